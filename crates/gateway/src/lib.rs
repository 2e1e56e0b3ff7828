//! MSYNC sessions over WebSocket: login, push, acknowledge.
