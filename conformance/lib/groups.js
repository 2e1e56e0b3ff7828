// What the cases about groups share: a group with texts that are searched for at the end, and the
// events of one group.

/** The SDK's codes for refusals in groups. */
export const GROUP_CODE = { NOT_FOUND: 605, NOT_MEMBER: 602, ALREADY_MEMBER: 601, FULL: 606, MUTED: 507, NOT_ALLOWED: 506, DISABLED: 608, PERMISSION: 603 };

/** Makes a group as `device`; resolves with its id and what was said of it. */
export async function makeGroup(lab, device, options = {}) {
  const said = {
    groupName: lab.secrets.of('group name', '群組 👩‍🚀'),
    description: lab.secrets.of('group description', 'Straße\n2'),
    extension: lab.secrets.of('group custom data', '{"a":1}'),
    avatar: `https://pictures.example.org/${lab.secrets.of('group avatar')}`,
  };
  const { data } = await device.ask('createGroupVNext', {
    ...said,
    members: [],
    isPublic: true,
    needApprovalToJoin: false,
    allowMemberToInvite: true,
    inviteNeedConfirm: false,
    maxMemberCount: 200,
    ...options,
  });
  return { id: data.groupId, ...said };
}

/** Resolves with the event of that operation in the group. */
export function groupEvent(device, operation, id, fits = () => true) {
  return device.event('onGroupEvent', (one) => one.operation === operation && one.id === id && fits(one));
}

/** The events of that operation in the group so far. */
export function groupSeen(device, operation, id) {
  return device.seen('onGroupEvent', (one) => one.operation === operation && one.id === id);
}

/** A message of every content type: the event that brings it, what it is made of, and a field to know it by. */
export function everyContent(lab) {
  const url = `${lab.rest.base}/chatfiles/${lab.secrets.name('file-')}`;
  return [
    ['onTextMessage', { type: 'txt', msg: lab.secrets.text('😀') }, 'msg'],
    ['onCmdMessage', { type: 'cmd', action: lab.secrets.text() }, 'action'],
    ['onCustomMessage', { type: 'custom', customEvent: lab.secrets.name('event'), customExts: { one: '1' } }, 'customEvent'],
    ['onLocationMessage', { type: 'loc', lat: 1.5, lng: 2.5, addr: lab.secrets.text(), buildingName: lab.secrets.text() }, 'addr'],
    ['onFileMessage', { type: 'file', filename: `${lab.secrets.of('file name')}.pdf`, file_length: 7, body: { type: 'file', url, filename: 'x.pdf', secret: 'shh', file_length: 7 } }, 'file_length'],
  ];
}

/** Sends a text to the group; resolves with its server id. */
export async function say(lab, device, id, more = {}) {
  const sent = await device.tell({ type: 'txt', chatType: 'groupChat', to: id, msg: lab.secrets.text(), ...more });
  return sent.serverMsgId;
}

/** Resolves when `device` has that message of the group. */
export function heard(device, messageId) {
  return device.event('onTextMessage', (one) => one.id === messageId);
}

/** The ids of all texts that `device` got in that group. */
export function texts(device, id) {
  return device.seen('onTextMessage', (one) => one.to === id).map((one) => one.id);
}

/** Members by their role, as the SDK tells them. */
export async function membersOf(device, groupId) {
  const { data } = await device.ask('getGroupMembers', { groupId, limit: 50 });
  return Object.fromEntries(data.members.map(({ userId, role }) => [userId, role]));
}

/** Waits until everything that was caused before by `from` has reached `to`: a text goes the same way. */
export async function settled(lab, from, to, toUser) {
  const sent = await from.tell({ type: 'txt', chatType: 'singleChat', to: toUser.username, msg: lab.secrets.text() });
  await to.event('onTextMessage', (one) => one.id === sent.serverMsgId);
}
