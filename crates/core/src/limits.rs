//! Every bound of the server in one place, each with its unit and its reason.

use std::time::Duration;

/// Bytes of text, action, event name and `ext` in one message
/// (chat-rest section 1.8: body and ext together, 5 KB).
pub const MESSAGE_CONTENT_BYTES: usize = 5 * 1024;

/// Bytes of one MSYNC frame from a client. A message of the largest content with the longest names
/// and attachment addresses stays far below it.
pub const FRAME_BYTES: usize = 64 * 1024;

/// Devices of one user that may be online at once (msync section 8: up to 10).
pub const DEVICES_ONLINE: usize = 10;

/// Devices of one user and one platform that may be online at once (msync section 8: 4 by default).
pub const DEVICES_ONLINE_PER_PLATFORM: usize = 4;

/// Tokens by which a session may have been let in and renewed, of those that are not over: a client renews a
/// token about twice in its life.
pub const TOKENS_OF_A_SESSION: usize = 32;

/// Devices of one user whose places in conversations are remembered; older ones start where the
/// user's furthest device stands.
pub const DEVICES_REMEMBERED: usize = 16;

/// Usernames in one registration call (chat-rest section 1.8).
pub const REGISTER_BATCH: usize = 60;

/// Usernames in one call for online states (chat-rest R019).
pub const STATUS_BATCH: usize = 100;

/// Entries of one page of a list over REST, at the most.
pub const LIST_PAGE: usize = 100;

/// Entries of a list over REST when the caller names no number.
pub const LIST_PAGE_DEFAULT: usize = 10;

/// Messages in one page of history.
pub const HISTORY_PAGE: usize = 50;

/// Metas in one page of a queue. The SDK drops doubles among its last 100 meta ids only, so a page
/// that comes again must fit into that (msync section 4.3, item 4).
pub const QUEUE_PAGE: usize = 40;

/// Bytes of metas in one page of a queue.
pub const QUEUE_PAGE_BYTES: usize = 128 * 1024;

/// Pages pushed to a session in one queue and not yet acknowledged.
pub const PUSH_WINDOW: usize = 32;

/// Entries that were sent to a session and whose place is not stored yet: what comes again after a
/// crash. The SDK knows its last 100 again (msync section 4.3, item 4).
pub const REDELIVERED: usize = 100;

/// Bytes that may wait for one session's socket before it is cut back to what it acknowledged.
pub const OUTBOUND_SOFT_BYTES: usize = 256 * 1024;

/// Bytes waiting for one session's socket at which it is closed: it asks and never reads.
pub const OUTBOUND_HARD_BYTES: usize = 1024 * 1024;

/// Messages of one session that may wait for their acknowledgement; reading pauses beyond.
pub const SENDS_IN_FLIGHT: usize = 256;

/// Frames a session may send in a burst, and per second in the long run. Far above what people
/// and apps do: a client that pipelines as fast as its messages become durable stays below it.
pub const FRAMES_BURST: u32 = 10_000;
/// See [`FRAMES_BURST`].
pub const FRAMES_PER_SECOND: u32 = 2_000;

/// Silence after which a session is closed. The SDK beats at least once a minute
/// (msync section 1.4).
pub const SESSION_IDLE: Duration = Duration::from_secs(120);

/// How long a connection may take to log in after the WebSocket opened. The SDK waits 10 s for the
/// answer.
pub const LOGIN_DEADLINE: Duration = Duration::from_secs(15);

/// How long after the end of its last token a session may stay. The SDK closes by itself at the end.
pub const TOKEN_GRACE: Duration = Duration::from_secs(120);

/// In which a message sent again by the same device under the same client id is the same message.
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(600);

/// Entries that one append to a conversation takes together.
pub const APPEND_BATCH: usize = 256;

/// Every CHAT and MUC meta is answered within this time, or the session is closed. The SDK waits
/// 15 s.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// A device's places in conversations are stored when they have moved for this long.
pub const CURSOR_INTERVAL: Duration = Duration::from_secs(1);

/// A device's places in conversations are stored as soon as they have moved over so many entries.
/// What comes again after a crash must be among the last 100 that the SDK knows again.
pub const CURSOR_ENTRIES: u64 = 24;

/// Bytes of a password (chat-rest R006).
pub const PASSWORD_BYTES: usize = 64;

/// Characters of a nickname (chat-rest R006).
pub const NICKNAME_CHARS: usize = 100;

/// Bytes of a file that users send, unless the app's settings say otherwise (chat-rest section 1.8).
pub const ATTACHMENT_BYTES: u64 = 10 * 1024 * 1024;

/// Bytes of a file that an app's settings may allow, at the most (chat-rest section 1.8).
pub const ATTACHMENT_BYTES_MOST: u64 = 200 * 1024 * 1024;

/// Bytes of a file that is shared in a group (chat-rest R112).
pub const SHARED_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// Bytes of the parts in which a large file is uploaded, as the SDK is told to cut them.
pub const UPLOAD_PART_BYTES: u64 = 5 * 1024 * 1024;

/// Parts of one file, at the most: all of them stand in one record.
pub const UPLOAD_PARTS: u32 = 1_000;

/// An upload in parts that was not completed after this time is given up.
pub const UPLOAD_UNFINISHED: Duration = Duration::from_secs(86_400);

/// Bytes of what stands beside the file in an upload: of one field, and of one file's name.
pub const UPLOAD_FIELD_BYTES: usize = 1024;

/// Bytes of a file's name that are kept.
pub const FILE_NAME_BYTES: usize = 255;

/// Images of at most so many bytes get no thumbnail: they are one (chat-rest R045, U39).
pub const THUMBNAIL_FROM_BYTES: u64 = 10 * 1024;

/// Images of more bytes get no thumbnail: they are held in memory while one is made.
pub const THUMBNAIL_SOURCE_BYTES: u64 = 16 * 1024 * 1024;

/// Pixels of width and of height of a thumbnail when the uploader names none (chat-rest R045).
pub const THUMBNAIL_SIDE: u32 = 170;

/// Pixels of width or height of a thumbnail, at the most.
pub const THUMBNAIL_SIDE_MOST: u32 = 1_024;

/// Pixels of an image that is decoded for a thumbnail: more than phones take by default.
pub const IMAGE_PIXELS: u64 = 32_000_000;

/// Bytes that decoding an image may take.
pub const IMAGE_MEMORY: u64 = 160 * 1024 * 1024;

/// How long an upload waits for its thumbnail; without one, the image itself is served.
pub const THUMBNAIL_DEADLINE: Duration = Duration::from_secs(3);

/// Bytes of a JSON body over REST.
pub const REST_BODY_BYTES: usize = 1024 * 1024;

/// Calls per second for each app and operation over REST (chat-rest section 1.7).
pub const REST_CALLS_PER_SECOND: u32 = 100;

/// Life of a token, at the most (token specification, section 5).
pub const TOKEN_LIFE: Duration = Duration::from_secs(86_400);

/// Earlier times in a group that a member who left and came back goes on to see.
pub const MEMBERSHIPS_REMEMBERED: usize = 16;

/// Lines in one stored part of a group's roster: what a change of one member writes again.
pub const ROSTER_PART: usize = 64;

/// The same of a chat room, where people come and go all the time: each writes its part.
pub const ROOM_ROSTER_PART: usize = 4;

/// Characters of a group's name, description, announcement and avatar address
/// (chat-rest section 3.3), and bytes of its custom data (chat-rest U16).
pub const GROUP_NAME_CHARS: usize = 128;
/// See [`GROUP_NAME_CHARS`].
pub const GROUP_DESCRIPTION_CHARS: usize = 512;
/// See [`GROUP_NAME_CHARS`].
pub const GROUP_ANNOUNCEMENT_CHARS: usize = 512;
/// See [`GROUP_NAME_CHARS`].
pub const GROUP_AVATAR_CHARS: usize = 1024;
/// See [`GROUP_NAME_CHARS`].
pub const GROUP_CUSTOM_BYTES: usize = 8 * 1024;

/// Characters of what somebody writes with an application, an invitation or a decline.
pub const REASON_CHARS: usize = 512;

/// Administrators of a group, at the most (chat-rest section 3.3).
pub const GROUP_ADMINS: usize = 99;

/// Members of a group when whoever makes it names no number (chat-rest R068).
pub const GROUP_MEMBERS_DEFAULT: u32 = 200;

/// Groups in one call for their details (chat-rest section 1.8).
pub const GROUP_DETAILS: usize = 100;

/// Groups in one page of the lists of all and of public groups (chat-rest R075).
pub const GROUP_LIST_PAGE: usize = 1_000;

/// Rows that one call for the list of public groups looks at, so that few public groups among many
/// others cost no walk through all.
pub const GROUP_ROWS_LOOKED_AT: usize = 10_000;

/// Groups in one page of what a user has joined: for back ends (chat-rest R076) and with details, and
/// for the user's own devices.
pub const JOINED_PAGE: usize = 20;
/// See [`JOINED_PAGE`].
pub const JOINED_PAGE_OWN: usize = 500;
/// See [`JOINED_PAGE`]; when a back end names no number.
pub const JOINED_PAGE_DEFAULT: usize = 5;

/// Usernames in one call about members of a group (chat-rest section 1.8).
pub const GROUP_BATCH: usize = 60;

/// Receivers of a message to some members of a group.
pub const DIRECTED_USERS: usize = 20;

/// Entries of a group's block list.
pub const GROUP_BLOCKED: usize = 5_000;

/// Open invitations and applications of a group.
pub const GROUP_PENDING: usize = 5_000;

/// How often one message can be changed (chat-rest section 3.2).
pub const MESSAGE_EDITS: u32 = 10;

/// Bytes of what an app adds to a recall.
pub const RECALL_EXT_BYTES: usize = 1024;

/// Conversations that one user may pin (chat-rest section 3.2).
pub const PINNED_CONVERSATIONS: usize = 50;

/// Marks of conversations: `mark_0` to `mark_19` (chat-rest section 3.2).
pub const CONVERSATION_MARKS: u32 = 20;

/// Conversations in one call that marks them.
pub const MARKED_AT_ONCE: usize = 20;

/// Conversations in one page of the list.
pub const CONVERSATION_PAGE: usize = 50;

/// Conversations in the list that has no pages.
pub const CONVERSATION_LIST: usize = 100;

/// Entries behind what a user has read that are looked at for the number of unread messages, and
/// entries at the end of a conversation in which its last message is looked for.
pub const CONVERSATION_LOOKED_AT: usize = 1_000;

/// Messages that one call deletes for a user (chat-rest R063).
pub const DELETED_AT_ONCE: usize = 50;

/// Pinned messages of one conversation (chat-rest section 3.2).
pub const PINNED_MESSAGES: usize = 20;

/// Bytes of why a message is reported (chat-rest section 3.2).
pub const REPORT_REASON_BYTES: usize = 512;
/// Bytes of a report's label.
pub const REPORT_TYPE_BYTES: usize = 64;
/// Contacts of one user whatever the plan says: the whole list is one answer.
pub const CONTACTS: u32 = 50_000;

/// Users invited by one call.
pub const CONTACT_BATCH: usize = 50;

/// Characters of what a user notes about a contact (chat-rest section 2.4).
pub const REMARK_CHARS: usize = 100;

/// Entries of one page of a list of contacts or of a block list (chat-rest R028, R033).
pub const CONTACT_PAGE: usize = 50;

/// Invitations that wait for one user's answer.
pub const INVITATIONS_OPEN: usize = 1_000;

/// How long an invitation can be accepted: as long as contacts are kept without use.
pub const INVITATION_LIFE: Duration = Duration::from_secs(180 * 86_400);

/// Entries of a user's block list (chat-rest section 3.3).
pub const BLOCKED: usize = 500;

/// Usernames in one call about a block list (chat-rest section 1.8).
pub const BLOCK_BATCH: usize = 50;

/// Bytes of a user's attributes, keys and values together (chat-rest section 3.3).
pub const ATTRIBUTES_BYTES: usize = 2 * 1024;

/// Users in one call for attributes (chat-rest section 1.8).
pub const ATTRIBUTES_BATCH: usize = 100;

/// Users in one call about presence (chat-rest section 3.3).
pub const PRESENCE_BATCH: usize = 100;

/// Users whose presence one user has subscribed to, and subscribers of one user
/// (chat-rest section 3.3).
pub const PRESENCE_SUBSCRIPTIONS: usize = 3_000;

/// How long a subscription to a presence may last (chat-rest R041).
pub const PRESENCE_EXPIRY: Duration = Duration::from_secs(30 * 86_400);

/// Bytes of the text that a user publishes with its presence (chat-rest R040).
pub const PRESENCE_EXT_BYTES: usize = 1024;

/// Changes of one user's presence within this time are told once (chat-rest section 2.7).
pub const PRESENCE_DEBOUNCE: Duration = Duration::from_secs(1);
/// Users of a group's block list in one page, and without paging (chat-rest R100).
pub const GROUP_BLOCKED_PAGE: usize = 50;
/// See [`GROUP_BLOCKED_PAGE`].
pub const GROUP_BLOCKED_LIST: usize = 500;

/// Bytes of the key and of the value of a member's attribute, and of all that one member has
/// (chat-rest R086).
pub const MEMBER_ATTRIBUTE_KEY_BYTES: usize = 16;
/// See [`MEMBER_ATTRIBUTE_KEY_BYTES`].
pub const MEMBER_ATTRIBUTE_VALUE_BYTES: usize = 512;
/// See [`MEMBER_ATTRIBUTE_KEY_BYTES`].
pub const MEMBER_ATTRIBUTES_BYTES: usize = 4 * 1024;

/// Members whose attributes are asked for in one call (chat-rest R088).
pub const MEMBER_ATTRIBUTES_BATCH: usize = 10;

/// Members of a group in which readers send receipts (chat-rest section 3.2).
pub const RECEIPT_GROUP_MEMBERS: u32 = 200;

/// How long after it was sent a group's message takes receipts (chat-rest section 3.2).
pub const GROUP_RECEIPTS: Duration = Duration::from_secs(3 * 86_400);

/// Readers of a group's message in one page. The SDK asks for 500 (msync section 9.5).
pub const GROUP_READERS_PAGE: usize = 500;

/// Messages of a chat room that whoever joins is sent (chat-rest section 3.2).
pub const ROOM_HISTORY: u32 = 10;

/// As many at the most.
pub const ROOM_HISTORY_MOST: u32 = 200;

/// Members of a chat room at the most, the owner included, if nobody says how many.
pub const ROOM_MEMBERS_DEFAULT: u32 = 1_000;

/// How long a member of a chat room may be without a session before it has left
/// (chat-rest section 3.3).
pub const ROOM_ABSENCE: Duration = Duration::from_secs(120);

/// What waits for a socket is this much at the most where messages of chat rooms are put behind it,
/// in bytes; half of it for messages that are not of high priority.
pub const ROOM_BACKLOG_BYTES: usize = 64 * 1024;

/// Attributes of one chat room (chat-rest section 3.3).
pub const ROOM_ATTRIBUTES: usize = 100;
/// Characters of the key of a chat room's attribute.
pub const ROOM_ATTRIBUTE_KEY_CHARS: usize = 128;
/// Characters of the value of a chat room's attribute.
pub const ROOM_ATTRIBUTE_VALUE_CHARS: usize = 4096;
/// Attributes of a chat room that one call sets or removes.
pub const ROOM_ATTRIBUTES_BATCH: usize = 10;

/// Bytes of what a user adds to joining a chat room, for those who are there.
pub const ROOM_JOIN_EXT_BYTES: usize = 1024;

/// Chat rooms that one call sends a message to.
pub const ROOM_SEND_BATCH: usize = 10;

/// Chat rooms in one page of their list (chat-rest R116).
pub const ROOM_LIST_PAGE: usize = 100;
/// Members of a chat room in one page, and rooms that a user is in (chat-rest R117 and R131).
pub const ROOM_PAGE: usize = 1_000;
/// Rooms that a user is in, where a call names no page.
pub const ROOMS_JOINED: usize = 500;
/// Members that one call removes from a chat room (chat-rest R133).
pub const ROOM_REMOVED: usize = 100;

/// Details of one entry of the audit log.
pub const AUDIT_DETAILS: usize = 16;
/// Characters of one text in an entry of the audit log; what is longer is cut.
pub const AUDIT_TEXT_CHARS: usize = 512;
/// Entries that one transaction appends to an audit log, so that a burst stays cheap.
pub const AUDIT_BATCH: usize = 256;
/// Entries that wait to be appended to one audit log with nobody waiting for them; what is more is
/// counted.
pub const AUDIT_WAITING: usize = 1024;
/// Entries of an audit log in one page; one of them is some hundred bytes, and at most some 20 KiB.
pub const AUDIT_PAGE: usize = 200;
/// For how long refusals of one kind are counted before their number is written.
pub const AUDIT_WINDOW: Duration = Duration::from_secs(60);
/// Kinds of refusals of one app that are told apart within that time; the rest has one number.
pub const AUDIT_KINDS: usize = 30;
/// Kinds of refusals and places of all apps that are remembered within that time.
pub const AUDIT_KINDS_OF_ALL: usize = 20_000;

/// Bytes of an app's own id of a user, which the token server maps to a name.
pub const EXTERNAL_ID_BYTES: usize = 512;

/// Calls per second of one client of the token server, and as many at once. Twice what one core mints is
/// no use to anybody; a client that has gone wild leaves the others their share.
pub const TOKEN_CLIENT_CALLS_PER_SECOND: u32 = 10_000;

/// Clients of the token server, of all apps: each is held in memory.
pub const TOKEN_CLIENTS: usize = 10_000;

/// Ranges of addresses that one client of the token server may call from.
pub const TOKEN_CLIENT_ADDRESSES: usize = 64;

/// Bytes of a call's body at the token server: an id of which every byte is escaped, and the rest.
pub const TOKEN_CALL_BYTES: usize = 8 * 1024;

/// Outbound connections that are open at once, of all apps: a host that does not answer holds one for ten
/// seconds.
pub const EGRESS_CONNECTIONS: usize = 64;
/// The same for one app or the platform, so that nobody uses up what others need.
pub const EGRESS_CONNECTIONS_OF_ONE: usize = 16;
/// Addresses of one outbound host that are looked at; who has more is refused.
pub const EGRESS_ADDRESSES: usize = 32;
/// How long resolving a host, connecting to it and the TLS handshake may take together.
pub const EGRESS_CONNECT: Duration = Duration::from_secs(5);
/// How long an outbound call may take from the first look at it to the end of its answer.
pub const EGRESS_CALL: Duration = Duration::from_secs(10);
/// Bytes of an outbound answer's head.
pub const EGRESS_HEAD_BYTES: usize = 16 * 1024;
/// Bytes of an outbound answer's body, unless the caller says otherwise.
pub const EGRESS_BODY_BYTES: usize = 1 << 20;
/// Hosts that were contacted and are counted in memory; what comes on top is counted on disk.
pub const EGRESS_HOSTS: usize = 10_000;
/// Bytes of a URL.
pub const EGRESS_URL_BYTES: usize = 2048;

/// Permissions of one app to cross regions: all kinds between all regions are fewer.
pub const PERMITS: usize = 32;
/// Records of the directory that one data centre fetches from another at once; one of them is at most some 400
/// bytes.
pub const DIRECTORY_PAGE: usize = 500;
/// Bytes of such an answer: a full page, and as much again.
pub const DIRECTORY_PAGE_BYTES: usize = 512 * 1024;
/// Records that are kept of one data centre, those of deleted apps among them: each is held in memory.
pub const DIRECTORY_RECORDS: usize = 200_000;
/// How often one data centre may ask another within a second, and as often at once. It asks every few seconds, and
/// page after page when it begins.
pub const DIRECTORY_CALLS_PER_SECOND: u32 = 20;

/// Bytes of one message that a client sends in the stream of a class room: a token and what is around it.
pub const CLASS_MESSAGE_BYTES: usize = 8 * 1024;

/// The same from whoever is in the room: the description of a media connection with many streams in it.
pub const CLASS_MEDIA_BYTES: usize = 160 * 1024;

/// How long a connection may take to say who it is after the stream of a class room opened.
pub const CLASS_HELLO_DEADLINE: Duration = Duration::from_secs(10);

/// Silence of a client in a class after which it is asked whether it is still there. Browsers answer by
/// themselves, also for pages in the background. Until then the kernel watches the connection
/// ([`CLASS_PROBE`], [`CLASS_UNHEARD`]), at a fraction of what a question of our own costs.
pub const CLASS_QUIET: Duration = Duration::from_secs(60);

/// The same for a client that comes through a proxy: the kernel knows only whether the proxy is there.
pub const CLASS_QUIET_PROXIED: Duration = Duration::from_secs(15);

/// Silence on the connection of a client in a class after which the kernel asks the kernel at the other end.
pub const CLASS_PROBE: Duration = Duration::from_secs(15);

/// How long that, or anything that was sent, may stay without acknowledgement; after it the connection is taken for
/// lost.
pub const CLASS_UNHEARD: Duration = Duration::from_secs(25);

/// How long it may take to answer that; after it the connection is taken for lost.
pub const CLASS_ANSWER: Duration = Duration::from_secs(10);

/// How long before the end of its token a client in a class is told of it (classroom specification, section 3).
pub const CLASS_TOKEN_WARNING: Duration = Duration::from_secs(30);

/// Messages that a client in a class may send in a burst, and per second in the long run. What it does in the
/// room, it does over REST.
pub const CLASS_MESSAGES_BURST: u32 = 30;
/// See [`CLASS_MESSAGES_BURST`].
pub const CLASS_MESSAGES_PER_SECOND: u32 = 2;

/// Frames of a class that a client may have missed and still gets one by one. Whoever missed more reads the room
/// anew, which is less.
pub const CLASS_REPLAY: u64 = 2_000;

/// Bytes of a class's frames that may wait for one client, while it gets what it missed or does not read.
pub const CLASS_BACKLOG_BYTES: usize = 512 * 1024;
