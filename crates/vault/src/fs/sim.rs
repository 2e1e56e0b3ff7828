//! A file system in memory that forgets what was not synced.
//!
//! The one idea: every file has a durable and a present content, and every directory a durable and a
//! present set of names. A simulated power loss keeps of everything in between an arbitrary part:
//! each write is lost, kept or torn, each change of names is lost or kept, each on its own. Every
//! operation consists of *steps* (change the name, write, sync), and the power can fail at any of
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};
use stoa_core::SeededEntropy;
use zeroize::Zeroizing;

use super::medium::{Change, File, Naming, roll};
use super::{LockGuard, LockRefusal, VaultFs};

/// A file system in memory, for tests and simulation. Cloning it gives another handle to the same.
#[derive(Clone, Default)]
pub struct SimFs(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    resumed: Condvar,
}

#[derive(Default)]
struct State {
    files: BTreeMap<u64, File>,
    next_file: u64,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    pending_names: Vec<Naming>,
    dirs: BTreeMap<PathBuf, u32>,
    locks: BTreeSet<PathBuf>,
    /// Counts the starts of the machine, so that a lock of an earlier one is not released twice.
    boot: u64,
    steps: u64,
    fail_at: Option<u64>,
    syncs: u64,
    paused: bool,
    history: Option<Vec<(PathBuf, Vec<u8>)>>,
}

impl SimFs {
    /// An empty file system.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers from now on every content that every file ever has, for [`Self::history`].
    pub fn keep_history(&self) {
        self.0.state.lock().history.get_or_insert_default();
    }

    /// Every content that a file had since [`Self::keep_history`], each with the file's name.
    pub fn history(&self) -> Vec<(PathBuf, Vec<u8>)> {
        self.0.state.lock().history.clone().unwrap_or_default()
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.0.state.lock().steps
    }

    /// How many times a file was synced.
    pub fn syncs(&self) -> u64 {
        self.0.state.lock().syncs
    }

    /// Lets the step number `step` (counted as by [`Self::steps`]) and all later ones fail.
    pub fn fail_at(&self, step: u64) {
        self.0.state.lock().fail_at = Some(step);
    }

    /// Holds back every sync from now on until [`Self::resume_syncs`].
    pub fn pause_syncs(&self) {
        self.0.state.lock().paused = true;
    }

    /// Lets held-back syncs go on.
    pub fn resume_syncs(&self) {
        self.0.state.lock().paused = false;
        self.0.resumed.notify_all();
    }

    /// The process dies: locks are released and operations succeed again, but everything that was
    /// written is still there, whether synced or not.
    pub fn kill_process(&self) {
        let mut state = self.0.state.lock();
        state.boot += 1;
        state.locks.clear();
        state.fail_at = None;
    }

    /// The power fails and comes back: of what was not synced an arbitrary part survives, which
    /// follows from `seed`.
    pub fn lose_power(&self, seed: u64) {
        self.kill_process();
        let dice = SeededEntropy::new(seed);
        let mut state = self.0.state.lock();
        for file in state.files.values_mut() {
            file.lose_power(&dice);
        }
        let mut names = std::mem::take(&mut state.durable_names);
        for naming in std::mem::take(&mut state.pending_names) {
            if roll(&dice, 2) == 0 {
                naming.apply(&mut names);
            }
        }
        state.durable_names.clone_from(&names);
        state.names = names;
    }

    /// A copy of everything as it is now, as a backup taken at this moment would have it.
    pub fn copy(&self) -> Self {
        let state = self.0.state.lock();
        let copy = Self::new();
        {
            let mut to = copy.0.state.lock();
            to.files = state.files.clone();
            to.next_file = state.next_file;
            to.names = state.names.clone();
            to.durable_names = state.durable_names.clone();
            to.pending_names = state.pending_names.clone();
            to.dirs = state.dirs.clone();
        }
        copy
    }

    /// The present content of a file, if it exists.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.0.state.lock();
        state.names.get(path).map(|id| state.files[id].present.clone())
    }

    /// Whether a file has content that a power loss could take.
    pub fn is_unsynced(&self, path: &Path) -> bool {
        let state = self.0.state.lock();
        state.names.get(path).is_some_and(|id| !state.files[id].pending.is_empty())
    }

    /// Puts a file there, durably, with mode 0600, as another program could.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.0.state.lock();
        let file =
            File { durable: bytes.into(), present: bytes.into(), pending: vec![], mode: 0o600 };
        let id = state.next_file;
        state.next_file += 1;
        state.files.insert(id, file);
        state.names.insert(path.into(), id);
        state.durable_names.insert(path.into(), id);
    }

    /// Takes a file away, durably, as another program could.
    pub fn take(&self, path: &Path) {
        let mut state = self.0.state.lock();
        state.names.remove(path);
        state.durable_names.remove(path);
    }

    /// Takes all files of a directory away, durably, as a broken medium would.
    pub fn take_all(&self, dir: &Path) {
        let mut state = self.0.state.lock();
        state.names.retain(|path, _| path.parent() != Some(dir));
        state.durable_names.retain(|path, _| path.parent() != Some(dir));
    }

    /// All files with their present content.
    pub fn all(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let state = self.0.state.lock();
        let content =
            |(path, id): (&PathBuf, &u64)| (path.clone(), state.files[id].present.clone());
        state.names.iter().map(content).collect()
    }

    /// Sets the permission bits of a directory or file.
    pub fn set_mode(&self, path: &Path, mode: u32) {
        let mut state = self.0.state.lock();
        if let Some(id) = state.names.get(path).copied() {
            state.file(id).mode = mode;
        } else {
            state.dirs.insert(path.into(), mode);
        }
    }

    /// Takes a step that syncs a file.
    fn sync_file(&self, id: u64) -> io::Result<()> {
        let mut state = self.0.state.lock();
        while state.paused {
            self.0.resumed.wait(&mut state);
        }
        state.step()?;
        state.syncs += 1;
        let file = state.file(id);
        file.durable = file.present.clone();
        file.pending.clear();
        Ok(())
    }

    /// Takes a step that changes a file without syncing it.
    fn change(&self, path: &Path, id: u64, change: Change) -> io::Result<()> {
        let mut state = self.0.state.lock();
        state.step()?;
        let file = state.file(id);
        change.apply(&mut file.present);
        file.pending.push(change);
        let present = file.present.clone();
        if let Some(history) = &mut state.history {
            history.push((path.into(), present));
        }
        Ok(())
    }

    fn stepping(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.0.state.lock();
        state.step()?;
        Ok(state)
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        self.0.state.lock().names.get(path).copied().ok_or_else(missing)
    }
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        if self.fail_at.is_some_and(|at| self.steps >= at) {
            return Err(io::Error::other("simulated failure"));
        }
        self.steps += 1;
        Ok(())
    }

    fn file(&mut self, id: u64) -> &mut File {
        self.files.get_mut(&id).expect("a file stays as long as it has a name")
    }

    fn rename_names(&mut self, naming: Naming) {
        naming.clone().apply(&mut self.names);
        self.pending_names.push(naming);
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

struct Lock {
    fs: SimFs,
    dir: PathBuf,
    boot: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.fs.0.state.lock();
        if state.boot == self.boot {
            state.locks.remove(&self.dir);
        }
    }
}

impl VaultFs for SimFs {
    fn ensure_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.state.lock().dirs.entry(dir.into()).or_insert(0o700);
        Ok(())
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        let state = self.0.state.lock();
        match state.names.get(path) {
            Some(id) => Ok(state.files[id].mode),
            None => state.dirs.get(path).copied().ok_or_else(missing),
        }
    }

    fn lock(&self, dir: &Path) -> Result<LockGuard, LockRefusal> {
        let mut state = self.0.state.lock();
        if !state.locks.insert(dir.into()) {
            return Err(LockRefusal::Held(None));
        }
        Ok(LockGuard::new(Lock { fs: self.clone(), dir: dir.into(), boot: state.boot }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.0.state.lock();
        let names = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(names.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        self.content(path).map(Zeroizing::new).ok_or_else(missing)
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let id = {
            let mut state = self.stepping()?;
            match state.names.get(path).copied() {
                Some(id) => id,
                None => {
                    let id = state.next_file;
                    state.next_file += 1;
                    state.files.insert(id, File { mode: 0o600, ..File::default() });
                    state.rename_names(Naming::Create(path.into(), id));
                    id
                }
            }
        };
        self.change(path, id, Change::Empty)?;
        self.change(path, id, Change::Write { offset: 0, bytes: bytes.into() })?;
        self.sync_file(id)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let id = self.find(path)?;
        let offset = self.0.state.lock().file(id).present.len();
        self.change(path, id, Change::Write { offset, bytes: bytes.into() })?;
        self.sync_file(id)
    }

    fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let id = self.find(path)?;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.change(path, id, Change::Write { offset, bytes: bytes.into() })?;
        self.sync_file(id)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.sync_file(self.find(path)?)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.stepping()?;
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.pending_names).into_iter().partition(|naming| match naming {
                Naming::Create(path, _) | Naming::Rename(path, _, _) | Naming::Remove(path) => {
                    path.parent() == Some(dir)
                }
            });
        for naming in now {
            naming.apply(&mut state.durable_names);
        }
        state.pending_names = later;
        let State { files, names, durable_names, pending_names, .. } = &mut *state;
        if pending_names.is_empty() {
            let named: BTreeSet<u64> =
                names.values().chain(durable_names.values()).copied().collect();
            files.retain(|id, _| named.contains(id));
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.stepping()?;
        let id = *state.names.get(from).ok_or_else(missing)?;
        state.rename_names(Naming::Rename(from.into(), to.into(), id));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.stepping()?;
        if !state.names.contains_key(path) {
            return Err(missing());
        }
        state.rename_names(Naming::Remove(path.into()));
        Ok(())
    }

    fn copies_on_write(&self, _dir: &Path) -> Option<&'static str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a power loss leaves of a file that was synced as "old" and then overwritten.
    fn survivors(sync: bool) -> BTreeSet<Option<Vec<u8>>> {
        (0..200)
            .map(|seed| {
                let (fs, path) = (SimFs::new(), Path::new("/d/f"));
                fs.create(path, &[b'o'; 1024]).unwrap();
                fs.sync_dir(Path::new("/d")).unwrap();
                if !sync {
                    fs.fail_at(fs.steps() + 1);
                }
                assert_eq!(fs.overwrite(path, 0, &[b'n'; 1024]).is_ok(), sync);
                fs.lose_power(seed);
                fs.content(path)
            })
            .collect()
    }

    #[test]
    fn unsynced_writes_are_lost_kept_or_torn() {
        let left = survivors(false);
        assert!(left.contains(&Some(vec![b'o'; 1024])));
        assert!(left.contains(&Some(vec![b'n'; 1024])));
        assert!(left.len() > 4, "torn in various ways");
        assert_eq!(survivors(true), [Some(vec![b'n'; 1024])].into());
    }

    #[test]
    fn names_are_durable_only_after_the_directory_is_synced() {
        let left: BTreeSet<_> = (0..50)
            .map(|seed| {
                let fs = SimFs::new();
                fs.create(Path::new("/d/f"), b"x").unwrap();
                fs.lose_power(seed);
                fs.content(Path::new("/d/f")).is_some()
            })
            .collect();
        assert_eq!(left, [false, true].into());
    }
}
