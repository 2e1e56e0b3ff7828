//! Users, conversations, messages, receipts and queues: the rules of chat, behind both doors.
