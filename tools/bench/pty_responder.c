/* The bare minimum that answers AT on a PTY: what `cargo xtask bench` measures the twin against.
 *
 * Opens a PTY in raw mode and prints the name of its slave. Then echoes whatever comes and adds CR LF OK CR LF behind
 * each CR, with one read and one write per round. Ends with its parent's SIGKILL or when the PTY fails. */
#define _DEFAULT_SOURCE
#define _XOPEN_SOURCE 600
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const char ANSWER[] = "\r\nOK\r\n";

static int failed(const char *what)
{
    perror(what);
    return 1;
}

static int write_all(int fd, const char *data, size_t left)
{
    while (left > 0) {
        ssize_t written = write(fd, data, left);
        if (written < 0)
            return -1;
        data += written;
        left -= (size_t)written;
    }
    return 0;
}

int main(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return failed("cannot make a PTY");
    const char *name = ptsname(master);
    /* Held open, so that reading the master does not fail while no client is there. */
    int slave = name ? open(name, O_RDWR | O_NOCTTY) : -1;
    struct termios raw;
    if (slave < 0 || tcgetattr(slave, &raw) < 0)
        return failed("cannot open the slave");
    cfmakeraw(&raw);
    if (tcsetattr(slave, TCSANOW, &raw) < 0)
        return failed("cannot make it raw");
    printf("%s\n", name);
    fflush(stdout);

    char in[256];
    /* Room for the answer behind every byte. */
    char out[sizeof in * sizeof ANSWER];
    for (;;) {
        ssize_t got = read(master, in, sizeof in);
        if (got <= 0)
            return failed("read");
        size_t used = 0;
        for (ssize_t i = 0; i < got; i++) {
            out[used++] = in[i];
            if (in[i] == '\r') {
                memcpy(out + used, ANSWER, sizeof ANSWER - 1);
                used += sizeof ANSWER - 1;
            }
        }
        if (write_all(master, out, used) < 0)
            return failed("write");
    }
}
