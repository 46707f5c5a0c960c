//! Encrypted doors in front of an address, with certificates of authorities that nobody knows.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// One that nobody knows yet.
    pub(crate) fn new() -> Self {
        Self::named(Vec::new())
    }

    /// One whose own certificate is for a server of this name, as a server's that signed its own.
    pub(crate) fn named(names: Vec<String>) -> Self {
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate as PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Its certificate as DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// A door with a certificate for this name that the authority signed; it lives as long as the
    /// runtime.
    pub(crate) async fn door(&self, name: &str, inner: SocketAddr) -> SocketAddr {
        self.door_offering(name, inner, &[]).await.address
    }

    /// The same, which offers these protocols to whoever comes.
    pub(crate) async fn door_offering(
        &self,
        name: &str,
        inner: SocketAddr,
        protocols: &[&[u8]],
    ) -> Door {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        door(certificate.der().clone(), &key, inner, protocols).await
    }

    /// A door that shows the authority's own certificate.
    pub(crate) async fn own_door(&self, inner: SocketAddr) -> SocketAddr {
        door(self.0.der().clone(), self.0.key(), inner, &[])
            .await
            .address
    }
}

/// An encrypted door in front of an address.
pub(crate) struct Door {
    pub address: SocketAddr,
    /// What was agreed on with whoever came, by ALPN; empty where nothing was.
    pub spoken: Arc<Mutex<Vec<String>>>,
}

async fn door(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    inner: SocketAddr,
    protocols: &[&[u8]],
) -> Door {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let spoken: Arc<Mutex<Vec<String>>> = Arc::default();
    let agreed = Arc::clone(&spoken);
    tokio::spawn(async move {
        while let Ok((outer, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            let agreed = Arc::clone(&agreed);
            tokio::spawn(async move {
                let (Ok(mut outer), Ok(mut inner)) = (
                    acceptor.accept(outer).await,
                    TcpStream::connect(inner).await,
                ) else {
                    return;
                };
                let protocol = outer.get_ref().1.alpn_protocol().unwrap_or_default();
                let protocol = String::from_utf8_lossy(protocol).into_owned();
                agreed.lock().unwrap().push(protocol);
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });

    Door { address, spoken }
}
