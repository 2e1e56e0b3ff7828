// An encoder as broadcasters have it: Debian's `simple-whip-client`, which is GStreamer's `webrtcbin` with a command line.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Where it comes from: installed by the step `conformance`. */
const PROGRAM = 'whip-client';
const PICTURE = 'videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! videoconvert ! queue ! vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96 ! queue ! application/x-rtp,media=video,encoding-name=VP8,payload=96';
const SOUND = 'audiotestsrc is-live=true wave=red-noise ! audioconvert ! audioresample ! queue ! opusenc ! rtpopuspay pt=100 ! queue ! application/x-rtp,media=audio,encoding-name=OPUS,payload=100';

/**
 * What is in the program's way here. It looks for addresses everywhere but on loopback, where the server is: this shows it loopback alone. And in
 * Debian 12 it has libsoup 2 and, by way of what opens ports of routers, libsoup 3, which refuse to be in one process: this takes the
 * place of the latter, and does nothing.
 */
const IN_PLACE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>
int getifaddrs(struct ifaddrs **all) {
  int (*real)(struct ifaddrs **) = dlsym(RTLD_NEXT, "getifaddrs");
  int failed = real(all);
  for (struct ifaddrs *one = failed ? NULL : *all; one; one = one->ifa_next)
    if (one->ifa_flags & IFF_LOOPBACK) one->ifa_flags &= ~IFF_LOOPBACK;
    else one->ifa_flags &= ~IFF_UP;
  return failed;
}
unsigned long gupnp_simple_igd_get_type(void) { return 20 << 2; /* any object */ }
void *gupnp_simple_igd_thread_new(void) { return NULL; }
void gupnp_simple_igd_add_port(void) {}
void gupnp_simple_igd_remove_port_local(void) {}
`;

export class Encoder {
  /** Publishes a test picture and sound. */
  constructor({ url, token }) {
    this.dir = mkdtempSync(path.join(os.tmpdir(), 'stoa-encoder-'));
    const [source, library] = ['in-place.c', 'in-place.so'].map((name) => path.join(this.dir, name));
    writeFileSync(source, IN_PLACE);
    execFileSync('cc', ['-shared', '-fPIC', '-Wl,-soname,libgupnp-igd-1.0.so.4', '-o', library, source]);
    // What it notes of plugins is kept here, too.
    const env = { ...process.env, LD_PRELOAD: library, XDG_CACHE_HOME: this.dir };
    this.said = '';
    this.child = spawn(PROGRAM, ['--no-trickle', '--disable-colors', '-u', url, '-t', token, '-V', PICTURE, '-A', SOUND], { env });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => (this.said += text));
    this.exit = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) => resolve(signal ?? code));
    });
  }

  /** Has it end what it publishes; resolves with how the program ended. */
  stop() {
    this.child.kill('SIGINT');
    return this.exit;
  }

  /** For the end of a test: whatever state it is in. */
  async dispose() {
    this.child.kill('SIGKILL');
    await this.exit;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
