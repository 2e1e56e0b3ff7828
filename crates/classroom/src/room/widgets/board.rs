//! What the board keeps of its windows.

use serde_json::Value;

use crate::Refusal;
use crate::room::Turn;

/// The most bytes that the board keeps, as JSON.
pub const WINDOWS_BYTES: usize = 64 * 1024;

impl Turn<'_> {
    /// Row 48: keeps how the windows on the board stand, unread.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub fn set_board_windows(&mut self, windows: Value) -> Result<(), Refusal> {
        self.admit_teaching()?;
        if windows.to_string().len() > WINDOWS_BYTES {
            let what = format!("windowManager: at most {WINDOWS_BYTES} bytes");
            return Err(Refusal::argument(what));
        }
        self.room.board_windows = windows;
        self.touch_room();
        Ok(())
    }
}
