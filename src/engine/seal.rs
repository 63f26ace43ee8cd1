//! Secrets at rest: XChaCha20-Poly1305 with a key from a file or the environment. What is sealed is
//! bound to the place where it is kept, so that a sealed value moved to another row does not open.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::kernel::secret::Secret;

/// First byte of everything sealed: the format.
const VERSION: u8 = 1;
/// Bytes of the key's id, which follow the format.
const KEY_ID: usize = 4;
/// Bytes of the nonce (XChaCha20: 192 bits, draft-irtf-cfrg-xchacha, section 2.3).
const NONCE: usize = 24;

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file.
    #[error("the key file {path}: {source}")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key is not 32 bytes in hex.
    #[error("the key in {0} is not 64 hex digits")]
    Key(String),
    /// Sealed with another key.
    #[error("sealed with key {sealed_with}, and the portal has key {ours}")]
    OtherKey {
        /// Its id.
        sealed_with: String,
        /// Ours.
        ours: String,
    },
    /// Damaged, or moved from where it was sealed.
    #[error("the sealed value does not open here")]
    Damaged,
}

/// Seals and opens. Cheap to copy.
#[derive(Clone)]
pub struct Sealer {
    cipher: Arc<XChaCha20Poly1305>,
    id: [u8; KEY_ID],
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer(key {})", hex::encode(self.id))
    }
}

impl Sealer {
    /// From a key in hex.
    ///
    /// # Errors
    /// It is not 64 hex digits.
    pub fn from_hex(key: &Secret) -> Result<Self, SealError> {
        let bytes =
            Zeroizing::new(hex::decode(key.expose().trim()).map_err(|_| SealError::Key("SLIPWAY_KEY".to_owned()))?);
        Self::from_bytes(&bytes).ok_or_else(|| SealError::Key("SLIPWAY_KEY".to_owned()))
    }

    /// From a file, which is made with a new key, readable by us alone, if it is not there.
    ///
    /// # Errors
    /// The file cannot be read or made, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, SealError> {
        let failed = |source| SealError::File { path: path.to_owned(), source };
        if !path.exists() {
            let key = XChaCha20Poly1305::generate_key(&mut OsRng);
            let mut options = std::fs::OpenOptions::new();
            let opened = options.write(true).create_new(true).mode(0o600).open(path);
            match opened {
                Ok(mut file) => {
                    use std::io::Write as _;
                    let text = Zeroizing::new(hex::encode(key));
                    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
                }
                // Another process of ours was first: read what it wrote.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(e)),
            }
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
        let wrong = || SealError::Key(path.display().to_string());
        let bytes = Zeroizing::new(hex::decode(text.trim()).map_err(|_| wrong())?);
        Self::from_bytes(&bytes).ok_or_else(wrong)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let cipher = XChaCha20Poly1305::new_from_slice(bytes).ok()?;
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&Sha256::digest([b"slipway key id", bytes].concat())[..KEY_ID]);
        Some(Self { cipher: Arc::new(cipher), id })
    }

    /// Seals bytes for a place, for example `scaffolder_draft/<id>`.
    ///
    /// # Errors
    /// The cipher refuses, which it does only above 256 GB.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let text = self.cipher.encrypt(&nonce, payload).map_err(|_| SealError::Damaged)?;
        let mut out = Vec::with_capacity(1 + KEY_ID + NONCE + text.len());
        out.push(VERSION);
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&text);
        Ok(out)
    }

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    /// Another key, another place, or damage.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (head, text) = sealed.split_at_checked(1 + KEY_ID + NONCE).ok_or(SealError::Damaged)?;
        if head[0] != VERSION {
            return Err(SealError::Damaged);
        }
        if head[1..=KEY_ID] != self.id {
            return Err(SealError::OtherKey {
                sealed_with: hex::encode(&head[1..=KEY_ID]),
                ours: hex::encode(self.id),
            });
        }
        let payload = Payload { msg: text, aad: place.as_bytes() };
        let plain =
            self.cipher.decrypt(XNonce::from_slice(&head[1 + KEY_ID..]), payload).map_err(|_| SealError::Damaged)?;
        Ok(Zeroizing::new(plain))
    }
}
