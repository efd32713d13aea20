//! `modemtwin lab`: servers to connect to.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use host::lab::{Credentials, Kind, Lab, LabSpec, Ports, Security, Service};

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
        announce(&mut stdout(), &lab, &options.show).context("cannot write to standard output")?;
        signals.wait().await;
        Ok(())
    })
}

/// One screen: where the servers are, what belongs to them, and how to go on; then what was asked for.
fn announce(out: &mut impl Write, lab: &Lab, show: &[args::Show]) -> anyhow::Result<()> {
    let credentials = lab.credentials();
    let listening = lab.address(Kind::Tcp);
    let (ip, module) = (listening.ip(), paste::reachable(listening).ip());
    if ip == module {
        writeln!(out, "{STRONG}Servers at {ip}, by port{STRONG:#}")?;
    } else {
        writeln!(
            out,
            "{STRONG}Servers at every address of this computer, such as {module}, by port{STRONG:#}"
        )?;
    }
    writeln!(out, "{:<14}{:>6}{:>7}   TLS with client certificates", "", "plain", "TLS")?;
    for (service, name, remark) in [
        (Service::Echo, "echo", ""),
        (Service::Mqtt, "MQTT broker", ""),
        (Service::Http, "HTTP", "/ lists what there is"),
        (Service::Ftp, "FTP", "AUTH TLS at the plain one"),
    ] {
        let [plain, tls, mutual] =
            Security::ALL.map(|security| lab.address(Kind::of(service, security)).port());
        let line = format!("  {name:<12}{plain:>6}{tls:>7}{mutual:>8}     {remark}");
        writeln!(out, "{}", line.trim_end())?;
    }
    let made = if credentials.is_fresh() { "made just now" } else { "from before" };
    writeln!(out, "\nCertificates and keys (PEM and DER, {made}) in {}:", credentials.directory().display())?;
    for (path, bytes) in [credentials.ca(), credentials.client_certificate(), credentials.client_key()] {
        let name = path.file_name().unwrap_or_default();
        writeln!(out, "  {:<12} {:>6} bytes", name.display(), grouped(bytes.len()))?;
    }
    if show.is_empty() {
        writeln!(out, "\n{STRONG}For AT lines to type into a module, start the lab with{STRONG:#}")?;
        writeln!(out, "modemtwin lab --show echo       or mqtt, http, ftp; or all")?;
    }
    for service in Service::ALL.into_iter().filter(|service| show.iter().any(|show| show.has(*service))) {
        sessions(out, lab, service)?;
    }
    let guide = paste::reachable(lab.address(Kind::Mutual));
    writeln!(out, "\n{STRONG}To type the SSL guide's own AT+CIPSTART, start the module with{STRONG:#}")?;
    writeln!(out, "modemtwin run --resolve tcplab.openluat.com:{guide}")?;
    writeln!(out, "\nCtrl-C ends it.")?;
    out.flush()?;
    Ok(())
}

/// What can be typed for a service: into a module, and into this computer.
fn sessions(out: &mut impl Write, lab: &Lab, service: Service) -> anyhow::Result<()> {
    let credentials = lab.credentials();
    let name = match service {
        Service::Echo => "TCP",
        Service::Mqtt => "MQTT",
        Service::Http => "HTTP",
        Service::Ftp => "FTP",
    };
    for security in Security::ALL {
        let (checks, uploads) = match security {
            Security::Plain => ("", Vec::new()),
            Security::OneWay => (" over TLS, the server is checked", uploads(credentials, false)),
            Security::Mutual => (" over TLS, both sides are checked", uploads(credentials, true)),
        };
        writeln!(out, "\n{STRONG}{name}{checks}: type in a module's terminal{STRONG:#}")?;
        let server = paste::reachable(lab.address(Kind::of(service, security)));
        for line in paste::session(service, server, &uploads).lines() {
            let style = if line.starts_with(' ') { FAINT } else { anstyle::Style::new() };
            writeln!(out, "{style}{line}{style:#}")?;
        }
    }
    writeln!(out, "\n{STRONG}{name} from this computer, without a module{STRONG:#}")?;
    for line in checks(lab, service) {
        writeln!(out, "{line}")?;
    }
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

/// Other programs that show whether a service's servers can be reached.
fn checks(lab: &Lab, service: Service) -> Vec<String> {
    let credentials = lab.credentials();
    let file = |(path, _): (PathBuf, &[u8])| path.display().to_string();
    let (ca, certificate, key) =
        (file(credentials.ca()), file(credentials.client_certificate()), file(credentials.client_key()));
    let [plain, tls, mutual] =
        Security::ALL.map(|security| paste::local(lab.address(Kind::of(service, security))));
    match service {
        Service::Echo => vec![
            format!("nc {} {}", plain.ip(), plain.port()),
            format!("openssl s_client -connect {tls} -CAfile {ca}"),
            format!("openssl s_client -connect {mutual} -CAfile {ca} \\\n  -cert {certificate} -key {key}"),
        ],
        Service::Mqtt => vec![
            format!("mosquitto_sub -h {} -p {} -t '#' -v", plain.ip(), plain.port()),
            format!("mosquitto_sub -h {} -p {} --cafile {ca} -t '#' -v", tls.ip(), tls.port()),
        ],
        Service::Http => vec![
            format!("curl http://{plain}/"),
            format!("curl --cacert {ca} https://{tls}/"),
            format!("curl --cacert {ca} \\\n  --cert {certificate} --key {key} https://{mutual}/echo"),
        ],
        Service::Ftp => vec![
            format!("curl ftp://{plain}/"),
            format!("curl --cacert {ca} --ssl-reqd ftp://{plain}/"),
            format!("curl --cacert {ca} \\\n  --cert {certificate} --key {key} ftps://{mutual}/"),
        ],
    }
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
        announce(&mut out, &lab, &[args::Show::All]).unwrap();
        let text = String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap();
        for (kind, command) in
            [(Kind::Mqtt, "MIPSTART"), (Kind::Mqtts, "SSLMIPSTART"), (Kind::MqttsMutual, "SSLMIPSTART")]
        {
            let line = format!("AT+{command}=\"127.0.0.1\",{}", lab.address(kind).port());
            assert!(text.lines().any(|there| there == line), "{line} in {text}");
        }
        for kind in Kind::ECHO {
            let line = format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{}", lab.address(kind).port());
            assert!(text.lines().any(|there| there == line), "{line} in {text}");
        }
        for (kind, scheme) in [(Kind::Http, "http"), (Kind::Https, "https"), (Kind::HttpsMutual, "https")] {
            let line = format!("AT+HTTPPARA=\"URL\",\"{scheme}://{}/echo\"", lab.address(kind));
            assert!(text.lines().any(|there| there == line), "{line} in {text}");
        }
        for kind in [Kind::Ftp, Kind::Ftps, Kind::FtpsMutual] {
            let line = format!("AT+FTPPORT={}", lab.address(kind).port());
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

    #[tokio::test]
    async fn what_is_printed_first_is_one_screen() {
        let directory = tempfile::tempdir().unwrap();
        let spec = LabSpec {
            directory: directory.path().to_owned(),
            address: "0.0.0.0".parse().unwrap(),
            ports: Ports::Free,
        };
        let lab = Lab::start(&spec).await.unwrap();
        let mut out = Vec::new();
        announce(&mut out, &lab, &[]).unwrap();
        let text = String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap();
        assert!(text.lines().count() <= 24, "{text}");
        for kind in Kind::ALL {
            let port = lab.address(kind).port().to_string();
            assert!(text.split_whitespace().any(|word| word == port), "{kind} in {text}");
        }
        assert!(!text.contains("0.0.0.0"), "nobody can connect to that: {text}");
    }
}
