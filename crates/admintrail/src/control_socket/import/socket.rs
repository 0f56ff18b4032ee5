//! An import over the control socket: a head as one line of JSON, then the bytes of the block as
//! they are, for escaping them would cost more than all the rest. Blocks are sent without waiting;
//! each has one answer, in order, and so has the end.

use std::io;

use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::Import;
use super::block::{BLOCK_BYTES, Block};
use crate::control_socket::protocol::{BlockHead, Reply};

/// Longest head.
const MAX_HEAD: u64 = 256;

/// Answers that may wait to be sent.
const WAITING: usize = 16;

/// The server's side, until whoever asked ends the import or `stop` does. The conversation goes on
/// after `Ok(true)`.
pub(in crate::control_socket) async fn answer_import<R, W>(
    import: Import,
    read: &mut R,
    write: &mut W,
    stop: impl Future<Output = ()>,
) -> io::Result<bool>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (next, blocks) = mpsc::channel(1);
    let receive = async move {
        while let Some(block) = receive(read).await? {
            if next.send(block).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let receive = async {
        tokio::select! {
            received = receive => received,
            () = stop => Ok(false),
        }
    };
    let (told, mut answers) = mpsc::channel(WAITING);
    // Dropped when it fails, so that nobody waits for it to be heard.
    let tell = async move {
        while let Some(one) = answers.recv().await {
            let mut line = serde_json::to_vec(&Reply::from(one))?;
            line.push(b'\n');
            write.write_all(&line).await?;
        }
        io::Result::Ok(())
    };
    let take_over = import.take_over(Block::stream(blocks), told);
    let (received, (), said) = tokio::join!(receive, take_over, tell);
    said.and(received)
}

/// The next block; `None` at the end.
async fn receive(read: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Block>> {
    let mut line = Vec::new();
    (&mut *read)
        .take(MAX_HEAD)
        .read_until(b'\n', &mut line)
        .await?;
    let BlockHead { first, bytes } = serde_json::from_slice(&line)?;
    if bytes > BLOCK_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if bytes == 0 {
        return Ok(None);
    }
    let mut block = Vec::with_capacity(bytes);
    let most = u64::try_from(bytes).unwrap_or(u64::MAX);
    while block.len() < bytes {
        let rest = most - block.len() as u64;
        if (&mut *read).take(rest).read_buf(&mut block).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some(Block {
        first,
        bytes: block.into(),
    }))
}

/// The asking side, after the question itself: sends the blocks and then the end.
pub(in crate::control_socket) async fn send_import(
    write: &mut (impl AsyncWrite + Unpin),
    blocks: impl Stream<Item = Block>,
) -> io::Result<()> {
    let mut blocks = std::pin::pin!(blocks);
    while let Some(block) = blocks.next().await {
        send_head(write, block.first, block.bytes.len()).await?;
        write.write_all(&block.bytes).await?;
    }
    send_head(write, 0, 0).await
}

async fn send_head(
    write: &mut (impl AsyncWrite + Unpin),
    first: u64,
    bytes: usize,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(&BlockHead { first, bytes })?;
    line.push(b'\n');
    write.write_all(&line).await
}
