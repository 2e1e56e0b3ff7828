//! The end of an app, in steps that a crash between them does not undo: it is marked, and from then on nobody
//! finds it; whoever holds its data destroys them; and only then its record goes, so that what was begun is
//! found again at the next start.

use std::sync::Arc;

use stoa_core::{App, AppDirectory, AppKey, AppNumber};
use stoa_store::{Bucket, spaces};

use crate::record::{self, AppRecord};
use crate::{AppChange, Console, ConsoleError, Directory, corrupt};

impl Console {
    /// Marks an app as one that is being deleted: no token opens it any more, and its sessions end. Its key
    /// and its App ID are free again when it is gone.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn begin_deletion(&self, key: &AppKey) -> Result<Arc<App>, ConsoleError> {
        let _changing = self.changes.lock().await;
        let app = self.by_key(key).ok_or_else(|| ConsoleError::UnknownApp(key.clone()))?;
        let platform = &self.platform;
        let at = &platform.key(&spaces::APPS).number(u64::from(app.number.0)).done();
        let marked = platform.transact(|mut txn| async move {
            let value = txn.get(at).await?.ok_or(corrupt(&spaces::APPS))?;
            let mut record: AppRecord = record::decode(&value, spaces::APPS.name)?;
            record.deleting = true;
            txn.put(at, Bucket::Whole, &record.encoded()).await?;
            Ok::<_, ConsoleError>(txn.done(()))
        });
        marked.await?;
        self.directory.rcu(|directory| {
            let others = directory.by_key.values().filter(|other| other.number != app.number);
            Directory::of(others.cloned())
        });
        self.hide_clients(app.number);
        self.deleting.lock().push(app.clone());
        self.tell(AppChange::Deleted(&app));
        Ok(app)
    }

    /// The apps whose deletion was begun and not finished, also before the process started.
    pub fn deleting(&self) -> Vec<Arc<App>> {
        self.deleting.lock().clone()
    }

    /// Removes the records of an app that is being deleted, and of its clients of the token server: nothing of
    /// it is left.
    ///
    /// # Errors
    /// [`ConsoleError::Store`].
    pub async fn finish_deletion(&self, number: AppNumber) -> Result<(), ConsoleError> {
        let _changing = self.changes.lock().await;
        let Some(app) = self.deleting().into_iter().find(|app| app.number == number) else {
            return Ok(());
        };
        let platform = &self.platform;
        let key = platform.blind("app key", &[app.key.to_string().as_bytes()]);
        let id = platform.blind("app id", &[app.id.as_str().as_bytes()]);
        let mut rows = self.client_keys(number).await?;
        rows.extend([
            platform.key(&spaces::APPS).number(u64::from(number.0)).done(),
            platform.key(&spaces::APP_KEYS).blind(key).done(),
            platform.key(&spaces::APP_IDS).blind(id).done(),
        ]);
        let rows = &rows;
        let removed = platform.transact(|mut txn| async move {
            for row in rows {
                txn.delete(row)?;
            }
            Ok::<_, ConsoleError>(txn.done(()))
        });
        removed.await?;
        self.deleting.lock().retain(|app| app.number != number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::{AuthPolicy, Region};

    use crate::NewApp;
    use crate::testing::{open, with_app};

    #[tokio::test]
    async fn what_was_begun_is_found_again_until_it_is_finished() {
        let (store, entropy, console, key) = with_app().await;
        let other = "acme#other".parse().unwrap();
        let client = |name: &str| name.parse::<crate::ClientName>().unwrap();
        for (app, name) in [(&key, "ours"), (&other, "theirs")] {
            let ranges = vec!["10.0.0.0/8".parse().unwrap()];
            console.add_key_client(app, client(name), ranges).await.unwrap();
        }
        let clients = |console: &Console| {
            let clients = console.token_clients();
            clients.iter().map(|client| client.name.as_str().to_owned()).collect::<Vec<_>>()
        };
        let app = console.begin_deletion(&key).await.unwrap();
        let new = || NewApp { key: key.clone(), region: Region::Eu, auth: AuthPolicy::Token };
        for console in [&console, &open(&store, &entropy).await] {
            assert!(console.by_key(&key).is_none() && console.by_id(&app.id).is_none());
            assert_eq!(clients(console), ["theirs"]);
            assert_eq!(console.deleting()[0].number, app.number);
            assert!(matches!(console.create_app(new()).await, Err(ConsoleError::Exists(_))));
            let again = console.begin_deletion(&key).await;
            assert!(matches!(again, Err(ConsoleError::UnknownApp(_))));
        }
        console.finish_deletion(app.number).await.unwrap();
        assert!(console.deleting().is_empty());
        assert!(console.client_keys(app.number).await.unwrap().is_empty());
        let console = open(&store, &entropy).await;
        assert_eq!(clients(&console), ["theirs"]);
        assert!(console.deleting().is_empty() && console.apps().len() == 1);
        let again = console.create_app(new()).await.unwrap();
        assert_ne!(again.number, app.number, "another app");
        assert_ne!(again.id, app.id);
    }
}
