//! Which components an operator lets in beside the embedded ones: all, or those on a list of digests
//! and those signed by a key on another (Ed25519, in minisign's format).

use std::collections::BTreeSet;

use minisign_verify::{Error, PublicKey, Signature};

use super::Component;
use crate::sandbox::LoadError;

/// A public key of minisign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    text: String,
    key: PublicKey,
}

impl SigningKey {
    /// Parses the form of the second line of `minisign.pub`.
    ///
    /// # Errors
    /// What it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let key = PublicKey::from_base64(text).map_err(|_| {
            format!(
                "{text:?} is no public key of minisign: it begins with RW, and is the second line of \
                 minisign.pub"
            )
        })?;
        let text = text.to_owned();
        Ok(Self { text, key })
    }
}

/// Components that are listed. What may be loaded beside the embedded ones is everything, if nothing
/// is.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// Components, by their digests.
    pub digests: BTreeSet<String>,
    /// The keys of those who sign components.
    pub keys: Vec<SigningKey>,
}

impl Allowed {
    /// Whether the component with this digest may be loaded.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, sha256: &str, component: &Component) -> Result<(), LoadError> {
        let anything = self.digests.is_empty() && self.keys.is_empty();
        if anything || self.digests.contains(sha256) {
            return Ok(());
        }
        let mut reasons = Vec::new();
        if !self.digests.is_empty() {
            reasons.push(format!("its sha256 {sha256} is not in require_sha256"));
        }
        if !self.keys.is_empty() {
            match self.signer(component) {
                Ok(_) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(LoadError::NotAllowed(reasons))
    }

    /// Whether the component with this digest is on one of the lists.
    pub fn lists(&self, sha256: &str, component: &Component) -> bool {
        let signed = || !self.keys.is_empty() && self.signer(component).is_ok();
        self.digests.contains(sha256) || signed()
    }

    /// The listed key that the component is signed by.
    ///
    /// # Errors
    /// Why there is none.
    pub fn signer(&self, component: &Component) -> Result<&str, String> {
        let Some(bytes) = &component.signature else {
            return Err("it has no signature, by a key in require_signature".to_owned());
        };
        let malformed = || "its signature is not in the format of minisign".to_owned();
        let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
        let signature = Signature::decode(text).map_err(|_| malformed())?;
        let mut reason = "its signature is by no key in require_signature";
        for SigningKey { text, key } in &self.keys {
            match key.verify(&component.bytes, &signature, false) {
                Ok(()) => return Ok(text),
                Err(Error::UnexpectedKeyId) => {}
                Err(Error::UnexpectedAlgorithm) => {
                    reason = "its signature is not of the hashed kind, which current versions of \
                              minisign make";
                }
                Err(_) => {
                    reason = "its signature does not fit it: one of the two was changed, or belongs \
                              to another file";
                }
            }
        }
        Err(reason.to_owned())
    }
}
