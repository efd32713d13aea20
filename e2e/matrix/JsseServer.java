import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * An echo server on Java's JSSE: {@code java JsseServer.java SERVER.p12 PASSWORD AUTHORITY.crt}.
 *
 * <p>Says {@code {"plain": PORT, "asks": PORT, "up to 2": PORT, …}} first, then a JSON line for every connection. Echoes
 * lines. "asks" asks for a client certificate and does not demand it; "up to 2" knows nothing newer than TLS 1.1, and so on;
 * "modern" asks too, and knows TLS 1.3 only.
 */
public final class JsseServer {
    private static final int LIMIT_MS = 60_000;
    private static final String[] VERSIONS = {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"};

    /** In the order of preference. */
    private static final String[] SUITES = {
        "TLS_RSA_WITH_AES_256_CBC_SHA256",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "SSL_RSA_WITH_3DES_EDE_CBC_SHA",
        "SSL_RSA_WITH_RC4_128_SHA",
        "SSL_RSA_WITH_RC4_128_MD5",
    };

    private static final String[] MODERN = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"};

    private static final Map<String, String> NUMBERS =
            Map.of(
                    MODERN[0], "1302", MODERN[1], "1301", SUITES[0], "003D", SUITES[1], "0035", SUITES[2], "002F", SUITES[3], "000A", SUITES[4], "0005",
                    SUITES[5], "0004");

    private static final Map<String, String> NAMES =
            Map.of("SSLv3", "SSL 3.0", "TLSv1", "TLS 1.0", "TLSv1.1", "TLS 1.1", "TLSv1.2", "TLS 1.2", "TLSv1.3", "TLS 1.3");

    public static void main(String[] arguments) throws Exception {
        // Before the first class of JSSE is used: it reads them once. Old versions and suites are disabled by default.
        for (String list :
                new String[] {
                    "jdk.tls.disabledAlgorithms", "jdk.tls.legacyAlgorithms", "jdk.certpath.disabledAlgorithms"
                }) {
            Security.setProperty(list, "");
        }
        SSLContext context = context(arguments[0], arguments[1].toCharArray(), arguments[2]);
        InetAddress loopback = InetAddress.getLoopbackAddress();
        StringBuilder ports = new StringBuilder();
        for (String name : new String[] {"plain", "asks", "up to 2", "up to 1", "up to 0", "modern"}) {
            ServerSocket listener = new ServerSocket(0, 50, loopback);
            ports.append(", \"" + name + "\": " + listener.getLocalPort());
            int newest = name.startsWith("up to") ? name.charAt(name.length() - 1) - '0' : VERSIONS.length - 1;
            boolean modern = name.equals("modern");
            String[] versions = modern ? new String[] {"TLSv1.3"} : Arrays.copyOf(VERSIONS, newest + 1);
            SSLParameters parameters = new SSLParameters(modern ? MODERN : SUITES, versions);
            parameters.setUseCipherSuitesOrder(true);
            parameters.setWantClientAuth(modern || name.equals("asks"));
            new Thread(() -> accept(listener, context, parameters)).start();
        }
        say("{" + ports.substring(2) + "}");
    }

    private static SSLContext context(String identity, char[] password, String authority) throws Exception {
        KeyStore own = KeyStore.getInstance("PKCS12");
        try (InputStream file = new FileInputStream(identity)) {
            own.load(file, password);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, password);
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream file = new FileInputStream(authority)) {
            trusted.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static void accept(ServerSocket listener, SSLContext context, SSLParameters parameters) {
        while (true) {
            try {
                Socket socket = listener.accept();
                new Thread(() -> say(serve(socket, context, parameters))).start();
            } catch (Exception error) {
                System.err.println(error);
                return;
            }
        }
    }

    private static String serve(Socket socket, SSLContext context, SSLParameters parameters) {
        String record = "{\"peer\": " + socket.getPort();
        try (socket) {
            socket.setSoTimeout(LIMIT_MS);
            int first = socket.getInputStream().read();
            if (first < 0) {
                return record + ", \"error\": \"nothing came\"}";
            }
            InputStream consumed = new ByteArrayInputStream(new byte[] {(byte) first});
            SSLSocket tls = (SSLSocket) context.getSocketFactory().createSocket(socket, consumed, true);
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            SSLSession session = tls.getSession();
            record += ", \"version\": \"" + NAMES.get(session.getProtocol()) + "\"";
            record += ", \"suite\": \"" + NUMBERS.get(session.getCipherSuite()) + "\"";
            record += ", \"client\": " + client(session);
            int echoed = echo(tls);
            tls.close();
            return record + ", \"echoed\": " + echoed + "}";
        } catch (Exception error) {
            return record + ", \"error\": \"" + error.toString().replaceAll("[\"\\\\\\p{Cntrl}]", " ") + "\"}";
        }
    }

    private static String client(SSLSession session) throws Exception {
        try {
            Certificate[] chain = session.getPeerCertificates();
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(chain[0].getEncoded());
            return "\"" + HexFormat.of().formatHex(digest) + "\"";
        } catch (SSLPeerUnverifiedException none) {
            return "null";
        }
    }

    private static int echo(SSLSocket tls) throws Exception {
        int echoed = 0;
        byte[] part = new byte[16_384];
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int count; (count = tls.getInputStream().read(part)) > 0; ) {
            line.write(part, 0, count);
            if (part[count - 1] == '\n') {
                tls.getOutputStream().write(line.toByteArray());
                echoed += line.size();
                line.reset();
            }
        }
        return echoed;
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
