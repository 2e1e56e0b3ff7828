// The vendor's SDK, which stands in the page as a script of its own (build/sdk.ts), and the options
// with which it speaks to our server and to nobody else.

import type { AgoraChat, AgoraChatStatic } from 'agora-chat';

declare global {
  interface Window {
    websdk: { default: AgoraChatStatic };
  }
}

export type Connection = AgoraChat.Connection;

const sdk = () => window.websdk.default;

/** A connection to the server that this page came from. Nothing is sent before `open`. */
export function connect(appKey: string, handlers: AgoraChat.EventHandlerType): Connection {
  const { connection: SdkConnection, logger } = sdk();
  // It writes every event to the console otherwise.
  logger.disableAll();
  const connection = new SdkConnection({
    appKey,
    // The addresses below count, and no name service of the vendor's is asked.
    isHttpDNS: false,
    url: `ws://${window.location.host}/ws`,
    apiUrl: window.location.origin,
    // Says by itself that a message was delivered.
    delivery: true,
  });
  connection.addEventHandler('page', handlers);
  return connection;
}

export function textMessage(to: string, msg: string) {
  return sdk().message.create({ type: 'txt', chatType: 'singleChat', to, msg });
}

export function readReceipt(to: string, id: string) {
  return sdk().message.create({ type: 'read', chatType: 'singleChat', to, id });
}

/** The SDK's code in whatever it threw or reported. */
export function codeOf(error: unknown): number | undefined {
  const type = (error as { type?: unknown } | null | undefined)?.type;
  return typeof type === 'number' ? type : undefined;
}
