//! Signatures and keys as `minisign` makes them (its format: https://jedisct1.github.io/minisign/).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest};
use ring::signature::{Ed25519KeyPair, KeyPair};

/// Somebody with a key, the same one for the same number.
pub struct Signer {
    id: [u8; 8],
    key: Ed25519KeyPair,
}

impl Signer {
    pub fn new(number: u8) -> Self {
        Self {
            id: [number; 8],
            key: Ed25519KeyPair::from_seed_unchecked(&[number; 32]).unwrap(),
        }
    }

    /// The public key.
    pub fn key(&self) -> String {
        let key = self.key.public_key().as_ref();
        STANDARD.encode([b"Ed", &self.id[..], key].concat())
    }

    /// What `minisign -S` writes.
    pub fn sign(&self, bytes: &[u8]) -> String {
        self.write(b"ED", &Blake2b512::digest(bytes))
    }

    /// The kind of signature that versions of minisign before 0.10 made: of the file, and no hash.
    pub fn sign_unhashed(&self, bytes: &[u8]) -> String {
        self.write(b"Ed", bytes)
    }

    fn write(&self, algorithm: &[u8; 2], message: &[u8]) -> String {
        let signature = self.key.sign(message);
        let comment = "timestamp:1795400000\tfile:step.wasm";
        let both = [signature.as_ref(), comment.as_bytes()].concat();
        format!(
            "untrusted comment: signature from minisign secret key\n{}\ntrusted comment: {comment}\n{}\n",
            STANDARD.encode([&algorithm[..], &self.id, signature.as_ref()].concat()),
            STANDARD.encode(self.key.sign(&both)),
        )
    }
}
