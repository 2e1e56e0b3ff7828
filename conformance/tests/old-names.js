// The SDK keeps old names for many methods. They are the same functions under two names, so that what
// is shown for the new one holds for the old one: this is checked, not assumed.

import { check } from '../lib/runner.js';

/** Old name, and the name under which the function is tested. */
const NAMES = {
  acceptInvitation: 'acceptContactInvite',
  declineInvitation: 'declineContactInvite',
  addToBlackList: 'addUsersToBlocklist',
  addUsersToBlacklist: 'addUsersToBlocklist',
  removeFromBlackList: 'removeUserFromBlocklist',
  removeUserFromBlackList: 'removeUserFromBlocklist',
  getBlacklist: 'getBlocklist',
  deleteSession: 'deleteConversation',
  updateOwnUserInfo: 'updateUserInfo',
  getSubscribedPresenceList: 'getSubscribedPresencelist',
  agreeInviteIntoGroup: 'acceptGroupInvite',
  rejectInviteIntoGroup: 'rejectGroupInvite',
  agreeJoinGroup: 'acceptGroupJoinRequest',
  rejectJoinGroup: 'rejectGroupJoinRequest',
  addUsersToGroupWhitelist: 'addUsersToGroupAllowlist',
  removeGroupWhitelistMember: 'removeGroupAllowlistMember',
  rmUsersFromGroupWhitelist: 'removeGroupAllowlistMember',
  getGroupWhitelist: 'getGroupAllowlist',
  isGroupWhiteUser: 'isInGroupAllowlist',
  isInGroupWhiteList: 'isInGroupAllowlist',
  groupBlockSingle: 'blockGroupMember',
  groupBlockMulti: 'blockGroupMembers',
  removeGroupBlockSingle: 'unblockGroupMember',
  removeGroupBlockMulti: 'unblockGroupMembers',
  getGroupBlacklist: 'getGroupBlocklist',
  getGroupBlacklistNew: 'getGroupBlocklist',
  changeOwner: 'changeGroupOwner',
  createGroupNew: 'createGroup',
  dissolveGroup: 'destroyGroup',
  quitGroup: 'leaveGroup',
  inviteToGroup: 'inviteUsersToGroup',
  fetchGroupSharedFileList: 'getGroupSharedFilelist',
  getGroupMutelist: 'getGroupMuteList',
  getMuted: 'getGroupMuteList',
  mute: 'muteGroupMember',
  removeMute: 'unmuteGroupMember',
  listGroups: 'getPublicGroups',
  listGroupMember: 'listGroupMembers',
  setAdmin: 'setGroupAdmin',
  removeAdmin: 'removeGroupAdmin',
  removeSingleGroupMember: 'removeGroupMember',
  removeMultiGroupMember: 'removeGroupMembers',
  removeSingleChatRoomMember: 'removeChatRoomMember',
  removeMultiChatRoomMember: 'removeChatRoomMembers',
  quitChatRoom: 'leaveChatRoom',
  listChatRoomMember: 'listChatRoomMembers',
  removeMuteChatRoomMember: 'unmuteChatRoomMember',
  getChatRoomMuted: 'getChatRoomMutelist',
  getChatRoomMuteList: 'getChatRoomMutelist',
  chatRoomBlockSingle: 'blockChatRoomMember',
  chatRoomBlockMulti: 'blockChatRoomMembers',
  removeChatRoomBlockSingle: 'unblockChatRoomMember',
  removeChatRoomBlockMulti: 'unblockChatRoomMembers',
  getChatRoomBlacklistNew: 'getChatRoomBlocklist',
  getChatRoomBlacklist: 'getChatRoomBlocklist',
  addUsersToChatRoomWhitelist: 'addUsersToChatRoomAllowlist',
  rmUsersFromChatRoomWhitelist: 'removeChatRoomAllowlistMember',
  removeChatRoomWhitelistMember: 'removeChatRoomAllowlistMember',
  getChatRoomWhitelist: 'getChatRoomAllowlist',
  isChatRoomWhiteUser: 'isInChatRoomAllowlist',
  fetchChatRoomSharedFileList: 'getChatRoomSharedFilelist',
};

export const tests = [
  {
    name: 'an old name is the same function as the new one',
    covers: Object.keys(NAMES),
    /** An old name works only if the new one was shown to. */
    aliases: NAMES,
    async run({ device }) {
      const page = await device();
      for (const [old, current] of Object.entries(NAMES)) check.equal(await page.same(old, current), true, `${old} is not ${current}`);
    },
  },
];
