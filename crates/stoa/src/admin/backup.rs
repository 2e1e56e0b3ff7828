//! Backups: made of what this process has open, while it goes on, and verified with its vault.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stoa_backup::{BackupError, BesideFile, Header, Item, Reader, Totals, Writer};
use stoa_core::Operator;
use stoa_vault::Vault;

use super::pieces::PIECE;
use super::{Answer, BackupRequest, Piece, Pieces};
use crate::failure::Failure;
use crate::node::Node;

/// Files of the data directory that are neither records nor users' files lie here: the keys of the server's
/// own certificate authorities.
const BESIDE: &str = "tls";
/// Bytes of such a file at the most.
const LONGEST: u64 = 1 << 20;
/// Items that are read between two words about how far it is.
const STEP: u64 = 10_000;

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    /// Its random number.
    pub backup: String,
    /// The vault that opens it.
    pub vault: String,
    /// The moment of which it is.
    pub created: u64,
    /// Rows of the store.
    pub rows: u64,
    /// Files.
    pub files: u64,
    /// Bytes of both, as they lie there.
    pub bytes: u64,
    /// Rows and files of it that nobody can open any more, since their keys were destroyed.
    pub destroyed: u64,
}

impl BackupView {
    /// A backup with that header, and what is in it.
    pub fn new(header: &Header, totals: Totals, destroyed: u64) -> Self {
        Self {
            backup: format!("{:032x}", u128::from_be_bytes(header.id)),
            vault: format!("{:?}", header.vault),
            created: header.created.as_millis(),
            rows: totals.rows,
            files: totals.files,
            bytes: totals.bytes,
            destroyed,
        }
    }
}

pub(super) async fn carry_out(
    node: &Node,
    request: BackupRequest,
    pieces: &Pieces,
) -> Result<Answer, Failure> {
    let backup = match request {
        BackupRequest::Create => create(node, pieces).await?,
        BackupRequest::Verify { path } => {
            let (vault, pieces) = (node.vault.clone(), pieces.clone());
            let work = move || verify(&path, &vault, &pieces);
            tokio::task::spawn_blocking(work)
                .await
                .map_err(|error| Failure::io("verify the backup")(io::Error::other(error)))??
        }
    };
    Ok(Answer::Backup { backup })
}

async fn create(node: &Node, pieces: &Pieces) -> Result<BackupView, Failure> {
    let writer = Writer::new(&node.vault, node.clock.now(), &*node.entropy);
    let header = *writer.header();
    let beside = beside(&node.config.data)
        .map_err(Failure::io(format!("read {}", node.config.data.join(BESIDE).display())))?;
    let give = |bytes: Bytes, so_far: Totals| async move {
        pieces.tell(so_far.bytes);
        hand_out(pieces, bytes).await
    };
    let operator = Operator::of_this_process();
    let totals = writer.write(&operator, &node.store, &node.blobs, beside, give).await?;
    Ok(BackupView::new(&header, totals, 0))
}

async fn hand_out(pieces: &Pieces, mut bytes: Bytes) -> Result<(), BackupError> {
    while !bytes.is_empty() {
        let piece = bytes.split_to(bytes.len().min(PIECE));
        pieces.send(Piece::Bytes(piece)).await.map_err(|_| BackupError::Gone)?;
    }
    Ok(())
}

/// The small files beside the store.
fn beside(data: &Path) -> io::Result<Vec<BesideFile>> {
    let mut files = Vec::new();
    let entries = match std::fs::read_dir(data.join(BESIDE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let (meta, name) = (entry.metadata()?, entry.file_name());
        let Some(name) = name.to_str().filter(|_| meta.is_file() && meta.len() <= LONGEST) else {
            continue;
        };
        let bytes = std::fs::read(entry.path())?.into();
        files.push(BesideFile { name: format!("{BESIDE}/{name}"), bytes });
    }
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Where such a file lies in the data directory; none for a name that no such file has.
pub fn place_beside(data: &Path, name: &str) -> Option<PathBuf> {
    let file = name.strip_prefix(BESIDE)?.strip_prefix('/')?;
    let plain = !file.is_empty()
        && !file.starts_with('.')
        && file.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    plain.then(|| data.join(BESIDE).join(file))
}

/// Reads a backup to its end.
fn verify(path: &Path, vault: &Arc<Vault>, pieces: &Pieces) -> Result<BackupView, Failure> {
    let file = File::open(path).map_err(Failure::io(format!("read {}", path.display())))?;
    let mut reader = Reader::open(BufReader::with_capacity(PIECE, file), vault)?;
    let (mut destroyed, mut read, mut first) = (0, 0_u64, false);
    while let Some(item) = reader.item()? {
        let is_dead = |record: &[u8]| vault.is_destroyed(record) == Ok(true);
        match &item {
            Item::Row(_, record) => destroyed += u64::from(is_dead(record)),
            Item::Blob(_) => first = true,
            // The first bytes of a file say by which key it was sealed.
            Item::Bytes(bytes) => {
                destroyed += u64::from(std::mem::take(&mut first) && is_dead(bytes));
            }
            Item::Beside(_) | Item::End(_) => {}
        }
        read += 1;
        if read.is_multiple_of(STEP) {
            pieces.tell(reader.seen().bytes);
        }
    }
    Ok(BackupView::new(reader.header(), reader.seen(), destroyed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_lie_beside_the_store() {
        let data = Path::new("data");
        assert_eq!(place_beside(data, "tls/ca.key"), Some("data/tls/ca.key".into()));
        for name in
            ["", "tls", "tls/", "tls/..", "tls/../x", "tls/a/b", "/tls/a", "store/a", "tls/.a"]
        {
            assert_eq!(place_beside(data, name), None, "{name}");
        }
    }
}
