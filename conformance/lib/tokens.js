// Tokens made by the official builder, as an app's own back end would make them.

import { createRequire } from 'node:module';
import { randomBytes } from 'node:crypto';

const require = createRequire(import.meta.url);
const { ChatTokenBuilder, EducationTokenBuilder } = require('agora-token');
const { AccessToken2, ServiceChat } = require('agora-token/src/AccessToken2.js');

const HOUR = 3600;

export class Tokens {
  constructor({ appId, certificate }, secrets) {
    this.appId = appId;
    this.certificate = certificate;
    this.secrets = secrets;
  }

  user(id, seconds = HOUR) {
    return this.secrets.token(ChatTokenBuilder.buildUserToken(this.appId, this.certificate, id, seconds));
  }

  /** Of a user in a class room, in a role by its number. */
  roomUser(room, user, role, seconds = HOUR) {
    return this.secrets.token(EducationTokenBuilder.buildRoomUserToken(this.appId, this.certificate, room, user, role, seconds));
  }

  app(seconds = HOUR) {
    return this.secrets.token(ChatTokenBuilder.buildAppToken(this.appId, this.certificate, seconds));
  }

  /** A user token whose life began `ago` seconds in the past. */
  aged(id, ago, seconds) {
    const token = new AccessToken2(this.appId, this.certificate, Math.floor(Date.now() / 1000) - ago, seconds);
    const chat = new ServiceChat(id);
    chat.add_privilege(ServiceChat.kPrivilegeUser, seconds);
    token.add_service(chat);
    return this.secrets.token(token.build());
  }

  /** Signed with a certificate that is not the app's. */
  forged(id) {
    return this.secrets.token(ChatTokenBuilder.buildUserToken(this.appId, randomBytes(16).toString('hex'), id, HOUR));
  }

  /** A proper token of an app that this server does not have. */
  foreign(id) {
    return this.secrets.token(ChatTokenBuilder.buildUserToken(randomBytes(16).toString('hex'), randomBytes(16).toString('hex'), id, HOUR));
  }
}
