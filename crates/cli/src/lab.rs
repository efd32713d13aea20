//! `modemtwin lab`: servers to connect to.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use host::lab::{Credentials, Kind, Lab, LabSpec, Ports};

use crate::args;
use crate::paste::{self, Upload};
use crate::running::{StopSignals, data_directory, runtime};
use crate::screen::{FAINT, STRONG, grouped, stdout};

/// Runs the servers until a signal comes.
pub(crate) fn lab(options: &args::Lab) -> anyhow::Result<()> {
    let directory = match &options.dir {
        Some(directory) => directory.clone(),
        None => data_directory()?.join("lab"),
    };
    // What is printed has to work from another directory too.
    let directory = std::path::absolute(directory)?;
    let ports = match options.port_base {
        None => Ports::Usual,
        Some(0) => Ports::Free,
        Some(base) => Ports::Exactly(base),
    };
    let spec = LabSpec { directory, address: options.listen, ports };
    runtime()?.block_on(async {
        let mut signals = StopSignals::catch()?;
        let lab = Lab::start(&spec).await?;
        announce(&mut stdout(), &lab).context("cannot write to standard output")?;
        signals.wait().await;
        Ok(())
    })
}

fn announce(out: &mut impl Write, lab: &Lab) -> anyhow::Result<()> {
    let credentials = lab.credentials();
    for kind in Kind::ALL {
        writeln!(out, "{kind:<16} at {}", lab.address(kind))?;
    }
    let made = if credentials.is_fresh() { "made just now" } else { "from before" };
    writeln!(out, "\nCertificates and keys (PEM and DER, {made}) in {}:", credentials.directory().display())?;
    for (path, bytes) in [credentials.ca(), credentials.client_certificate(), credentials.client_key()] {
        let name = path.file_name().unwrap_or_default();
        writeln!(out, "  {:<12} {:>6} bytes", name.display(), grouped(bytes.len()))?;
    }
    let address = |kind| paste::local(lab.address(kind));
    for (title, server, uploads) in [
        ("Plain TCP", address(Kind::Tcp), Vec::new()),
        ("TLS, the server is checked", address(Kind::OneWay), uploads(credentials, false)),
        ("TLS, both sides are checked", address(Kind::Mutual), uploads(credentials, true)),
    ] {
        writeln!(out, "\n{STRONG}{title}: type in a module's terminal (`modemtwin run`){STRONG:#}")?;
        for line in paste::session(server, &uploads).lines() {
            let style = if line.starts_with(' ') { FAINT } else { anstyle::Style::new() };
            writeln!(out, "{style}{line}{style:#}")?;
        }
    }
    for (title, server, upload) in [
        ("MQTT", address(Kind::Mqtt), None),
        ("MQTT over TLS, the broker is checked", address(Kind::Mqtts), uploads(credentials, false).pop()),
    ] {
        writeln!(out, "\n{STRONG}{title}: type in a module's terminal{STRONG:#}")?;
        for line in paste::mqtt_session(server, upload.as_ref()).lines() {
            let style = if line.starts_with(' ') { FAINT } else { anstyle::Style::new() };
            writeln!(out, "{style}{line}{style:#}")?;
        }
    }
    let guide = paste::local(lab.address(Kind::Mutual));
    writeln!(
        out,
        "\n{STRONG}To type the SSL guide's own AT+CIPSTART instead, start the module with{STRONG:#}"
    )?;
    writeln!(out, "modemtwin run --resolve tcplab.openluat.com:{guide}")?;
    writeln!(out, "\n{STRONG}Or from this computer, without a module{STRONG:#}")?;
    for line in checks(lab, address) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\nCtrl-C ends it.")?;
    out.flush()?;
    Ok(())
}

/// What goes into the module, under the names that it has here.
fn uploads(credentials: &Credentials, mutual: bool) -> Vec<Upload> {
    let upload = |name, keyword, (path, bytes): (PathBuf, &[u8])| Upload {
        name,
        keyword,
        source: path.display().to_string(),
        length: bytes.len(),
    };
    let mut uploads = vec![upload("ca.crt", "cacert", credentials.ca())];
    if mutual {
        uploads.push(upload("client.crt", "clientcert", credentials.client_certificate()));
        uploads.push(upload("client.key", "clientkey", credentials.client_key()));
    }
    uploads
}

/// Other programs that show whether the servers can be reached.
fn checks(lab: &Lab, address: impl Fn(Kind) -> SocketAddr) -> [String; 4] {
    let credentials = lab.credentials();
    let file = |(path, _): (PathBuf, &[u8])| path.display().to_string();
    let (tcp, mqtt) = (address(Kind::Tcp), address(Kind::Mqtt));
    let ca = file(credentials.ca());
    [
        format!("nc {} {}", tcp.ip(), tcp.port()),
        format!("openssl s_client -connect {} -CAfile {ca}", address(Kind::OneWay)),
        format!(
            "openssl s_client -connect {} -CAfile {ca} \\\n  -cert {} -key {}",
            address(Kind::Mutual),
            file(credentials.client_certificate()),
            file(credentials.client_key())
        ),
        format!("mosquitto_sub -h {} -p {} -t '#' -v", mqtt.ip(), mqtt.port()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_printed_has_the_real_ports_and_lengths() {
        let directory = tempfile::tempdir().unwrap();
        let spec = LabSpec {
            directory: directory.path().to_owned(),
            address: "127.0.0.1".parse().unwrap(),
            ports: Ports::Free,
        };
        let lab = Lab::start(&spec).await.unwrap();
        let mut out = Vec::new();
        announce(&mut out, &lab).unwrap();
        let text = String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap();
        for (kind, command) in [(Kind::Mqtt, "MIPSTART"), (Kind::Mqtts, "SSLMIPSTART")] {
            let line = format!("AT+{command}=\"127.0.0.1\",{}", lab.address(kind).port());
            assert!(text.lines().any(|there| there == line), "{line} in {text}");
        }
        for kind in Kind::ECHO {
            let line = format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{}", lab.address(kind).port());
            assert!(text.lines().any(|there| there == line), "{line} in {text}");
        }
        let guide = format!("--resolve tcplab.openluat.com:127.0.0.1:{}", lab.address(Kind::Mutual).port());
        assert!(text.contains(&guide), "{guide} in {text}");
        for (name, (path, bytes)) in [
            ("ca.crt", lab.credentials().ca()),
            ("client.crt", lab.credentials().client_certificate()),
            ("client.key", lab.credentials().client_key()),
        ] {
            let length = std::fs::metadata(&path).unwrap().len();
            assert_eq!(length, bytes.len() as u64);
            let line = format!("AT+FSWRITE=\"{name}\",0,{length},60");
            assert!(text.lines().any(|there| there == line), "{line} in {text}");
        }
    }
}
