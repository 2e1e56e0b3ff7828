// Runs inside the page, beside the SDK. It holds connections by name, forwards every event to the
// test, and turns calls into plain results that can cross to Node.

(() => {
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

  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const digestOf = async (blob) => hex(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  const described = async (blob) => ({ size: blob.size, type: blob.type, digest: await digestOf(blob), ...(blob.size < 100_000 && { text: await blob.text() }) });
  const sdkFile = (file) => ({ url: URL.createObjectURL(file), filename: file.name, filetype: file.type, data: file });

  /**
   * Makes the file that a test describes: `mark` over and over up to `size` bytes, or a picture of
   * `width` by `height` with `mark` behind its last byte.
   */
  async function fileOf({ name, type, mark, size, width, height }) {
    let parts;
    if (width) {
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width, height });
      const pen = canvas.getContext('2d');
      for (let x = 0; x < width; x += 8) {
        for (let y = 0; y < height; y += 8) {
          pen.fillStyle = `rgb(${(x * 7) % 256}, ${(y * 5) % 256}, ${(x * y) % 256})`;
          pen.fillRect(x, y, 8, 8);
        }
      }
      parts = [await new Promise((resolve) => canvas.toBlob(resolve, type)), mark ?? ''];
    } else {
      const line = new TextEncoder().encode(`${mark}\n`);
      const bytes = new Uint8Array(size ?? line.length);
      for (let at = 0; at < bytes.length; at += line.length) bytes.set(line.subarray(0, Math.min(line.length, bytes.length - at)), at);
      parts = [bytes];
    }
    const file = new File(parts, name, { type });
    return { file, digest: await digestOf(file) };
  }

  /** Puts the described file into the parameters of a message, and what became of its upload into `notes`. */
  async function withFile(parameters, notes) {
    if (!parameters.file) return parameters;
    const { file, digest } = await fileOf(parameters.file);
    Object.assign(notes, { digest, size: file.size, progress: 0 });
    return {
      ...parameters,
      file: sdkFile(file),
      onFileUploadComplete: (result) => Object.assign(notes, { uploaded: plain(result) }),
      onFileUploadProgress: (step) => Object.assign(notes, { progress: step.loaded }),
    };
  }

  window.lab = {
    version: SDK.version ?? Connection?.version,
    open(options, dns) {
      connection = new Connection(options);
      if (dns) connection.dnsArr = dns;
      // Every event that the SDK declares; the list is made from its declarations.
      connection.addEventHandler('lab', Object.fromEntries(window.labEvents.map((name) => [name, (data) => emit(name, data)])));
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
        list.map(async (parameters) => {
          const notes = {};
          const message = parameters.again ? window.lab.kept.get(parameters.again) : Message.create(await withFile(parameters, notes));
          if (parameters.keep) window.lab.kept.set(parameters.keep, message);
          return connection.send(message).then(
            (result) => ({ ok: true, serverMsgId: String(result.serverMsgId), localMsgId: String(result.localMsgId), message: plain(result.message), ...notes }),
            (error) => ({ ...failure(error), ...notes }),
          );
        }),
      );
    },
    /** Replaces the contents of a message that was sent before. */
    async modify(messageId, parameters) {
      try {
        return { ok: true, result: plain(await connection.modifyMessage({ messageId, modifiedMessage: Message.create(parameters) })) };
      } catch (error) {
        return failure(error);
      }
    },
    /** Calls a method that reports by callbacks about a file: `complete` and `error` are their names. */
    async transfer(method, parameters, given, complete, error) {
      const made = given && (await fileOf(given));
      return new Promise((resolve) => {
        const settle = (answer) => resolve({ ...answer, ...(made && { digest: made.digest, size: made.file.size }) });
        try {
          connection[method]({
            ...parameters,
            ...(made && { file: sdkFile(made.file) }),
            [complete]: async (result) => settle({ ok: true, result: result instanceof Blob ? await described(result) : plain(result) }),
            [error]: (problem) => settle(failure(problem)),
          });
        } catch (problem) {
          settle(failure(problem));
        }
      });
    },
    /** Downloads by the SDK's own helper, which sends the token and the secret as headers. */
    download(url, secret) {
      return new Promise((resolve) => {
        SDK.utils.download.call(connection, {
          url,
          secret,
          onFileDownloadComplete: async (blob) => resolve({ ok: true, result: await described(blob) }),
          onFileDownloadError: (problem) => resolve(failure(problem)),
        });
      });
    },
    /** Loads `url` as an `<img>` does: without any header of ours. */
    image(url) {
      return new Promise((resolve) => {
        const image = new Image();
        image.onload = () => resolve({ ok: true, width: image.naturalWidth, height: image.naturalHeight });
        image.onerror = () => resolve({ ok: false });
        image.src = url;
      });
    },
    beside(name) {
      window.heard = [];
      connection.addEventHandler(name, { onTextMessage: ({ id }) => window.heard.push(id) });
    },
    listenOld() {
      window.heard = [];
      connection.listen({ onTextMessage: (message) => window.heard.push(plain(message)) });
    },
    /** Whether two names of the connection are one function. */
    same: (one, other) => typeof connection[one] === 'function' && connection[one] === connection[other],
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
    /** The connection breaks without anybody having asked for it. */
    sever: () => connection.sock.close(),
  };
})();
