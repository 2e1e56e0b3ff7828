//! Operations on the vault: how it is, another root key, further data keys.

use stoa_core::{Day, Timestamp};
use stoa_store::{Bucket, classes};
use stoa_vault::{KeyScope, RootKey};

use super::{Answer, ClassKeys, KeyRequest, KeyStatus, RootRotation, SecretText};
use crate::config::{self, Config};
use crate::failure::{Failure, explain};
use crate::node::Node;
use crate::root_key::{self, Replacement};

pub(super) async fn carry_out(node: &Node, request: KeyRequest) -> Result<Answer, Failure> {
    match request {
        KeyRequest::Status => Ok(Answer::Keys(Box::new(status(node).await?))),
        KeyRequest::RotateRoot { new } => rotate(node, new).await.map(Answer::Rotated),
        KeyRequest::RenewData => {
            let today = node.clock.now().day();
            let keys = node.vault.renew(|scope| is_written_to(scope, today)).await?;
            Ok(Answer::Renewed { keys })
        }
    }
}

async fn status(node: &Node) -> Result<KeyStatus, Failure> {
    let vault = &node.vault;
    let status = vault.status().await?;
    let counts = vault.keys_by_class();
    let classes = counts.iter().map(|(class, keys)| {
        let known = classes::CLASSES.iter().find(|known| known.number == class.0);
        let name = known.map_or("unknown", |class| class.name).to_owned();
        ClassKeys { class: class.0, name, keys: *keys }
    });
    Ok(KeyStatus {
        vault: format!("{:?}", vault.id()),
        root_key: status.root.to_string(),
        root_key_source: source(&node.config),
        life: vault.life(),
        generation: status.generation,
        directories: status.directories,
        pages: status.pages,
        journal_entries: status.journal_entries,
        classes: classes.collect(),
        data_keys: counts.values().sum(),
        blinding_keys: vault.blinding_keys(),
        newest_key: vault.keys().iter().map(|key| key.created).max().map(Timestamp::as_millis),
        last_destruction: status.last_destruction.map(Timestamp::as_millis),
        stopped: status.stopped,
    })
}

fn source(config: &Config) -> String {
    match &config.root_key {
        config::RootKey::Beside(file) | config::RootKey::File(file) => {
            format!("the file {}", file.display())
        }
        config::RootKey::Variable(name) => format!("the environment variable {name}"),
        config::RootKey::Command(words) => {
            format!("the command {}", words.first().map_or("", String::as_str))
        }
    }
}

/// Puts the vault under another root key. Whatever stops it, one of the two keys opens the vault, and
/// both are kept until it is done.
async fn rotate(node: &Node, new: Option<SecretText>) -> Result<RootRotation, Failure> {
    // Two at a time would exchange each other's files.
    let _one = node.rotating.lock().await;
    let status = node.vault.status().await?;
    if let Some(why) = status.stopped {
        return Err(Failure::Refused(why));
    }
    let before = status.root;
    let source = &node.config.root_key;
    let given = new.map(|SecretText(text)| RootKey::parse_strong(text.expose()));
    let given = given.transpose().map_err(|error| Failure::Usage(error.to_string()))?;
    let (key, replacement) = match (given, source) {
        (given, config::RootKey::Beside(file) | config::RootKey::File(file)) => {
            let is_given = given.is_some();
            let key = given.unwrap_or_else(|| RootKey::random(&*node.entropy));
            refuse_same(before == key.fingerprint(), "the new root key is the present one")?;
            match Replacement::write(file, &key) {
                Ok(replacement) => (key, Some(replacement)),
                // Whoever gave it has it, and can put it there.
                Err(failure) if is_given && is_read_only(&failure) => (key, None),
                Err(failure) => return Err(failure),
            }
        }
        (Some(key), _) => (key, None),
        (None, config::RootKey::Variable(name)) => {
            return Err(Failure::Usage(format!(
                "the root key comes from the environment variable {name}, which this cannot change: name the new key with --new-key-file, and set the variable to it before the next start"
            )));
        }
        (None, config::RootKey::Command(words)) => (root_key::ask(words.clone()).await?, None),
    };
    let after = key.fingerprint();
    refuse_same(
        before == after,
        "the root key command still gives the present key: let it give the new one first, or name that with --new-key-file",
    )?;
    tracing::info!(%before, %after, "exchanging the root key");
    if let Err(error) = node.vault.rotate_root(key).await {
        tracing::error!(%error, %before, %after, "the exchange of the root key was cut short");
        return Err(Failure::Unknown(format!(
            "the exchange of the root key was cut short ({}): restart the server, and keep both keys until it has started; the vault opens with {before} as before, or with {after}, and says by fingerprint which it wants",
            explain(&error)
        )));
    }
    let written_to = replacement.as_ref().map(|replacement| replacement.file().to_owned());
    if let Some(replacement) = replacement {
        replacement.finish()?;
    }
    tracing::info!(%after, "the root key was exchanged; the earlier one opens nothing any more");
    let next = match source {
        config::RootKey::Beside(file) | config::RootKey::File(file) if written_to.is_none() => {
            format!(
                "before the next start, put the new key into {}, which cannot be written from here; the vault opens with no other",
                file.display()
            )
        }
        config::RootKey::Beside(file) | config::RootKey::File(file) => format!(
            "keep a copy of {} in a safe, and destroy the copies of the earlier key",
            file.display()
        ),
        config::RootKey::Variable(name) => {
            format!("before the next start, set {name} to the new key; it opens with no other")
        }
        config::RootKey::Command(words) => format!(
            "before the next start, see that the command {} gives the new key; it opens with no other",
            words.first().map_or("", String::as_str)
        ),
    };
    Ok(RootRotation { before: before.to_string(), root_key: after.to_string(), written_to, next })
}

/// Whether a file could not be written because of where it is.
fn is_read_only(failure: &Failure) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(failure, Failure::Io { source, .. }
        if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem))
}

fn refuse_same(same: bool, message: &str) -> Result<(), Failure> {
    if same { Err(Failure::Refused(message.into())) } else { Ok(()) }
}

/// Whether new records of this scope can still come: days and months that are over have none.
fn is_written_to(scope: &KeyScope, today: Day) -> bool {
    match scope.bucket {
        Bucket::Whole | Bucket::Object(_) => true,
        Bucket::Day(day) => day >= today,
        // Months are few.
        Bucket::Month(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::AppNumber;
    use stoa_vault::KeyClass;

    #[test]
    fn days_that_are_over_need_no_further_key() {
        let scope = |bucket| KeyScope { app: AppNumber(1), class: KeyClass(1), bucket };
        let today = Day(20_000);
        assert!(!is_written_to(&scope(Bucket::Day(Day(19_999))), today));
        assert!(is_written_to(&scope(Bucket::Day(today)), today));
        assert!(is_written_to(&scope(Bucket::Object([1; 16])), today));
    }
}
