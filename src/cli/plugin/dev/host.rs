//! The running host, as `plugin dev` uses it: one version after the other is sent and activated,
//! and those that nobody needs any more are removed, or hours of work would fill its shelf.

use serde::de::IgnoredAny;

use crate::cli::client::{Client, Refused, encoded};
use crate::cli::plugin::list::{Version, Versions};
use crate::cli::plugin::push;
use crate::registry::{Component, PluginVersion};
use crate::text::plain;

/// How much of a digest is shown, in characters: enough to tell versions apart.
const SHOWN: usize = 12;

/// The statuses of a host that has no room at the moment, for anybody or for this client.
const BUSY: [u16; 2] = [503, 429];

/// What came of swapping a version in.
pub(super) enum Outcome {
    /// New plans get it; in words.
    Serves(String),
    /// There is no host that takes it at the moment; why, and what to do.
    NotYet(String),
}

/// A host that may not run yet.
pub(super) struct RunningHost {
    client: Client,
    /// What it got from here and may still have: kind and digest.
    sent: Vec<(String, String)>,
}

impl RunningHost {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            sent: Vec::new(),
        }
    }

    /// Gives new plans this version.
    ///
    /// # Errors
    /// When the host refuses it.
    pub(super) async fn swap_in(
        &mut self,
        version: &PluginVersion,
        component: &Component,
    ) -> anyhow::Result<Outcome> {
        let error = match self.activate(version, component).await {
            Ok(()) => {
                self.tidy_up(&version.sha256).await;
                let sha256: String = version.sha256.chars().take(SHOWN).collect();
                let (kind, number) = (&version.manifest.kind, &version.manifest.version);
                let what = format!("{kind} {number} ({sha256}…) serves new plans");
                return Ok(Outcome::Serves(what));
            }
            Err(error) => error,
        };
        match error.downcast_ref::<Refused>() {
            None => Ok(Outcome::NotYet(format!(
                "{}: start one with `codex-mesh dev` in another terminal",
                plain(&error.to_string())
            ))),
            Some(refused) if BUSY.contains(&refused.status) => {
                Ok(Outcome::NotYet(refused.to_string()))
            }
            Some(_) => Err(error),
        }
    }

    async fn activate(
        &mut self,
        version: &PluginVersion,
        component: &Component,
    ) -> anyhow::Result<()> {
        let (kind, sha256) = (&version.manifest.kind, &version.sha256);
        let kept = self.kept(kind).await?;
        match kept.iter().find(|kept| kept.sha256 == *sha256) {
            Some(kept) if kept.active && !kept.quarantined => return Ok(()),
            Some(_) => {}
            None => {
                push::send(&self.client, component).await?;
                self.sent.push((kind.clone(), sha256.clone()));
            }
        }
        push::activate(&self.client, kind, sha256).await
    }

    /// The versions of a kind that the host has.
    async fn kept(&self, kind: &str) -> anyhow::Result<Vec<Version>> {
        let path = format!("/plugins/{}", encoded(kind));
        match self.client.get::<Versions>(&path).await {
            Ok(versions) => Ok(versions.versions),
            Err(error) if is_unknown(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Removes what was sent from here before. What is needed stays, until the next time.
    async fn tidy_up(&mut self, current: &str) {
        for (kind, sha256) in std::mem::take(&mut self.sent) {
            let path = format!("/plugins/{}/{}", encoded(&kind), encoded(&sha256));
            let is_gone = sha256 != current
                && match self.client.delete::<IgnoredAny>(&path).await {
                    Ok(_) => true,
                    Err(error) => is_unknown(&error),
                };
            if !is_gone {
                self.sent.push((kind, sha256));
            }
        }
    }
}

fn is_unknown(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|refused| refused.status == 404)
}
