// Runs inside the page, beside the SDK. It holds connections by name, forwards every event to the
// test, and turns calls into plain results that can cross to Node.

(() => {
  const EVENTS = [
    'onConnected', 'onDisconnected', 'onReconnecting', 'onOnline', 'onOffline', 'onError', 'onTokenWillExpire', 'onTokenExpired',
    'onTextMessage', 'onImageMessage', 'onVideoMessage', 'onAudioMessage', 'onFileMessage', 'onLocationMessage', 'onCmdMessage',
    'onCustomMessage', 'onCombineMessage', 'onMessage', 'onReadMessage', 'onDeliveredMessage', 'onReceivedMessage', 'onChannelMessage',
    'onRecallMessage', 'onModifiedMessage', 'onStatisticMessage', 'onMultiDeviceEvent', 'onContactInvited', 'onPresenceStatusChange',
    'onOfflineMessageSyncStart', 'onOfflineMessageSyncFinish',
  ];
  const SDK = window.websdk.default ?? window.websdk;
  const Connection = SDK.connection;
  const Message = SDK.message;

  const plain = (value) =>
    JSON.parse(
      JSON.stringify(value ?? null, (_key, item) => {
        if (typeof item === 'bigint') return item.toString();
        if (typeof item === 'function') return undefined;
        if (item instanceof Error) return { name: item.name, message: item.message };
        return item;
      }),
    );
  const failure = (error) => ({ ok: false, error: { type: error?.type, message: String(error?.message ?? error), data: plain(error?.data) } });

  let waiting = [];
  const emit = (name, data) => {
    if (waiting.push({ name, data: plain(data), at: Date.now() }) > 1) return;
    // Many messages arrive in one turn: they cross to Node together, in order.
    queueMicrotask(() => {
      window.__events(waiting);
      waiting = [];
    });
  };

  let connection;
  window.lab = {
    version: SDK.version ?? Connection?.version,
    open(options, dns) {
      connection = new Connection(options);
      if (dns) connection.dnsArr = dns;
      connection.addEventHandler('lab', Object.fromEntries(EVENTS.map((name) => [name, (data) => emit(name, data)])));
    },
    async login(options) {
      try {
        return { ok: true, result: plain(await connection.open(options)), resource: connection.context.jid.clientResource };
      } catch (error) {
        return failure(error);
      }
    },
    /** Sends in the given order without waiting in between; one result for each. */
    send(list) {
      return Promise.all(
        list.map((parameters) => {
          const message = parameters.again ? window.lab.kept.get(parameters.again) : Message.create(parameters);
          if (parameters.keep) window.lab.kept.set(parameters.keep, message);
          return connection.send(message).then(
            (result) => ({ ok: true, serverMsgId: String(result.serverMsgId), localMsgId: String(result.localMsgId), message: plain(result.message) }),
            (error) => failure(error),
          );
        }),
      );
    },
    kept: new Map(),
    async call(method, ...args) {
      try {
        return { ok: true, result: plain(await connection[method](...args)) };
      } catch (error) {
        return failure(error);
      }
    },
    get: (property) => plain(connection[property]),
    resource: () => connection.context.jid.clientResource,
    isOpened: () => connection.isOpened(),
    close: () => connection?.close(),
  };
})();
