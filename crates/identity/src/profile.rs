//! How an account presents itself: name and picture. Nothing here is verified; it is for display,
//! beside an account that is.

use serde_json::Value;
use sotto_wire::did::Did;
use thiserror::Error;
use url::Url;

use crate::handle::Handle;
use crate::network::{self, Network};

mod image;

pub use image::Image;

const MAX_RECORD: usize = 64 * 1024;
const MAX_SUGGESTIONS: usize = 256 * 1024;
const MAX_IMAGE: usize = 1024 * 1024;
/// Longest name that is kept, in characters; the lexicon allows 64 graphemes.
const MAX_NAME: usize = 64;
/// Longest query worth a request, in bytes.
const MAX_QUERY: usize = 256;

/// Name and picture of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// As the account wrote it, without control characters; never empty.
    pub display_name: Option<String>,
    /// The avatar, where it is one that can be shown.
    pub avatar: Option<Image>,
}

/// An account whose handle or name begins with what was typed, as the AppView says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The account.
    pub did: Did,
    /// Its handle.
    pub handle: Handle,
    /// Its display name.
    pub display_name: Option<String>,
    /// Where its picture is, for [`Network::suggestion_avatar`].
    pub avatar: Option<Url>,
}

/// The server cannot be asked, or does not answer as it should.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the profile cannot be read now")]
pub struct ProfileError;

impl Network {
    /// Reads the profile record and its avatar from the account's PDS. An account without a profile
    /// has an empty one; an avatar that cannot be had or shown is left out.
    ///
    /// # Errors
    /// [`ProfileError`] where the server cannot be asked.
    pub async fn profile(&self, did: &Did, pds: &Url) -> Result<Profile, ProfileError> {
        let query = [
            ("repo", did.as_str()),
            ("collection", "app.bsky.actor.profile"),
            ("rkey", "self"),
        ];
        let url = network::xrpc_url(pds, "com.atproto.repo.getRecord", &query);
        let answer = self.get(url, MAX_RECORD).await.map_err(|_| ProfileError)?;
        if !answer.is_success() {
            return match network::error_name(&answer).as_deref() {
                Some("RecordNotFound") => Ok(Profile::default()),
                _ => Err(ProfileError),
            };
        }
        let body = network::json(&answer).ok_or(ProfileError)?;
        let record = body.get("value").ok_or(ProfileError)?;
        let avatar = match record.pointer("/avatar/ref/$link").and_then(Value::as_str) {
            Some(cid) => self.blob(did, pds, cid).await,
            None => None,
        };
        Ok(Profile {
            display_name: display_name(record),
            avatar,
        })
    }

    async fn blob(&self, did: &Did, pds: &Url, cid: &str) -> Option<Image> {
        let cid = cid::Cid::try_from(cid).ok()?;
        let query = [("did", did.as_str()), ("cid", &cid.to_string())];
        let url = network::xrpc_url(pds, "com.atproto.sync.getBlob", &query);
        self.image(url).await
    }

    async fn image(&self, url: Url) -> Option<Image> {
        let answer = self
            .get(url, MAX_IMAGE)
            .await
            .ok()
            .filter(|answer| answer.is_success())?;
        Image::sniff(answer.body)
    }

    /// Accounts that the AppView suggests for what was typed so far; at most `limit` (1 to 100).
    ///
    /// # Errors
    /// [`ProfileError`] where the AppView cannot be asked.
    pub async fn suggestions(
        &self,
        typed: &str,
        limit: u8,
    ) -> Result<Vec<Suggestion>, ProfileError> {
        let limit = limit.clamp(1, 100);
        let typed = typed.trim();
        if typed.is_empty() || typed.len() > MAX_QUERY {
            return Ok(Vec::new());
        }
        let query = [("q", typed), ("limit", &limit.to_string())];
        let method = "app.bsky.actor.searchActorsTypeahead";
        let url = network::xrpc_url(&self.endpoints.appview, method, &query);
        let answer = self
            .get(url, MAX_SUGGESTIONS)
            .await
            .map_err(|_| ProfileError)?;
        let body = network::json(&answer)
            .filter(|_| answer.is_success())
            .ok_or(ProfileError)?;
        let actors = body
            .get("actors")
            .and_then(Value::as_array)
            .ok_or(ProfileError)?;
        Ok(actors
            .iter()
            .filter_map(suggestion)
            .take(limit.into())
            .collect())
    }

    /// The picture of a suggestion. Only the AppView's own host and Bluesky's CDN are asked: the
    /// URL is the AppView's word, and fetching pictures from just anywhere would tell whoever chose
    /// the address what is being typed here.
    pub async fn suggestion_avatar(&self, url: &Url) -> Option<Image> {
        let host = url.host_str()?;
        let of_appview = url.origin() == self.endpoints.appview.origin();
        let of_cdn = url.scheme() == "https" && (host == "bsky.app" || host.ends_with(".bsky.app"));
        if of_appview || of_cdn {
            self.image(url.clone()).await
        } else {
            None
        }
    }
}

fn suggestion(actor: &Value) -> Option<Suggestion> {
    let text = |name| actor.get(name).and_then(Value::as_str);
    Some(Suggestion {
        did: Did::parse(text("did")?).ok()?,
        handle: Handle::parse(text("handle")?).ok()?,
        display_name: display_name(actor),
        avatar: text("avatar").and_then(|url| Url::parse(url).ok()),
    })
}

/// Control characters and those that turn the direction of the text around it are taken out: a name
/// stands in lists and headings of the app.
fn display_name(holder: &Value) -> Option<String> {
    let name = holder.get("displayName")?.as_str()?;
    let kept = name
        .chars()
        .filter(|c| !c.is_control() && !is_bidi_control(*c))
        .take(MAX_NAME);
    let name = kept.collect::<String>().trim().to_owned();
    (!name.is_empty()).then_some(name)
}

fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
