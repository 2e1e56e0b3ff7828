//! The driver with real sockets on loopback. Waits only for what must come, however long that takes (with an end).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use str0m::Candidate;
use str0m::media::MediaKind;
use str0m::net::{Protocol, TcpType};

use super::client::Client;
use super::world::{ROOM, World, audio, video};
use crate::types::{Right, Rights, Source, Watch};
use crate::{Config, Limits, Media};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn config(tcp: bool) -> Config {
    let any = SocketAddr::new(LOCAL, 0);
    Config {
        udp: any,
        tcp: tcp.then_some(any),
        addresses: vec![LOCAL],
        workers: 2,
        limits: Limits::default(),
    }
}

/// A client's end of the network.
enum Line {
    Udp(UdpSocket),
    Tcp(TcpStream, Vec<u8>),
}

struct Real {
    client: Client,
    line: Line,
}

impl Real {
    fn udp(name: &str) -> Real {
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let client = Client::new(name, socket.local_addr().unwrap(), Instant::now());
        Real { client, line: Line::Udp(socket) }
    }

    fn tcp(name: &str, server: SocketAddr) -> Real {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        stream.set_nodelay(true).unwrap();
        let addr = stream.local_addr().unwrap();
        let candidate =
            Candidate::builder().tcp().host(addr).tcptype(TcpType::Active).build().unwrap();
        Real {
            client: Client::over(name, candidate, Instant::now()),
            line: Line::Tcp(stream, Vec::new()),
        }
    }

    /// Takes and gives what there is.
    fn turn(&mut self, server: SocketAddr) {
        let mut buffer = [0; 4096];
        match &mut self.line {
            Line::Udp(socket) => {
                while let Ok((len, source)) = socket.recv_from(&mut buffer) {
                    self.client.receive(Instant::now(), source, &buffer[..len]);
                }
            }
            Line::Tcp(stream, waiting) => {
                if let Ok(len) = stream.read(&mut buffer) {
                    waiting.extend(&buffer[..len]);
                }
                while let [a, b, rest @ ..] = waiting.as_slice() {
                    let len = usize::from(u16::from_be_bytes([*a, *b]));
                    let Some(datagram) = rest.get(..len).map(<[u8]>::to_vec) else { break };
                    waiting.drain(..2 + len);
                    self.client.receive(Instant::now(), server, &datagram);
                }
            }
        }
        self.client.timeout(Instant::now());
        for transmit in self.client.out.drain(..) {
            match &mut self.line {
                Line::Udp(socket) if transmit.proto == Protocol::Udp => {
                    let _ = socket.send_to(&transmit.contents, transmit.destination);
                }
                Line::Tcp(stream, _) if transmit.proto != Protocol::Udp => {
                    let len = u16::try_from(transmit.contents.len()).unwrap().to_be_bytes();
                    let _ = stream.write_all(&[&len[..], &transmit.contents].concat());
                }
                _ => {}
            }
        }
    }
}

async fn join(
    media: &Media,
    real: &mut Real,
    sources: &[(Source, &[&'static str])],
    slots: &[MediaKind],
) {
    let offer = real.client.offer(sources, slots);
    let (name, heard) = (real.client.name.clone(), real.client.heard.clone());
    let answer = media.offer(ROOM, &name, offer, heard).await.unwrap();
    assert!(answer.contains("a=ice-lite"), "{answer}");
    real.client.answered(Instant::now(), &answer);
}

fn rights(names: &[&str]) -> Rights {
    let right = |(at, name): (usize, &&str)| {
        let right = Right { owner: (*name).to_owned(), screen: false, audio: true, video: true };
        (World::stream(at, false), right)
    };
    Rights(names.iter().enumerate().map(right).collect())
}

/// One sends, one watches, until the watcher has seen and heard enough.
async fn shows(media: &Media, mut sender: Real, mut watcher: Real, server: SocketAddr) {
    media.rights(ROOM, rights(&["sender", "watcher"]));
    join(media, &mut sender, &[(Source::Microphone, &[]), (Source::Camera, &["l", "h"])], &[])
        .await;
    join(media, &mut watcher, &[], &[MediaKind::Audio, MediaKind::Video]).await;
    let slots: BTreeMap<String, Option<Watch>> = [
        (watcher.client.slots[0].to_string(), audio(0)),
        (watcher.client.slots[1].to_string(), video(0, 480)),
    ]
    .into();
    media.watch(ROOM, "watcher", slots).await.unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let seen = |watcher: &Real| {
        let [video, sound] = [1, 0].map(|slot| watcher.client.slots[slot]);
        let frames = watcher.client.decoders.get(&video).map_or(0, |d| d.decoded[1]);
        (frames, watcher.client.sounds.get(&sound).copied().unwrap_or(0))
    };
    while !matches!(seen(&watcher), (20.., 20..)) {
        assert!(Instant::now() < end, "{:?} {:?}", seen(&watcher), media.counters());
        sender.turn(server);
        watcher.turn(server);
    }
    let stats = media.stats(ROOM, None).await;
    assert!(stats[&World::stream(0, false)].video.as_ref().unwrap().packets > 20);
    let counters = media.counters();
    assert_eq!(counters.panics.load(Ordering::Relaxed), 0);
    assert!(counters.forwarded.load(Ordering::Relaxed) > 40);
    // The end of the media is told, and goes over the wire.
    media.end(ROOM);
    while !(sender.client.dead && watcher.client.dead) {
        assert!(Instant::now() < end, "nobody said goodbye");
        sender.turn(server);
        watcher.turn(server);
    }
}

#[tokio::test]
async fn pictures_go_over_udp_on_loopback() {
    let media = Media::start(config(false)).unwrap();
    let server = media.udp()[0];
    Box::pin(shows(&media, Real::udp("sender"), Real::udp("watcher"), server)).await;
    let counters = media.counters();
    let (sent, calls) =
        (counters.sent.load(Ordering::Relaxed), counters.sent_calls.load(Ordering::Relaxed));
    // A picture of four packets leaves with one call, if the machine can cut; acknowledgements are sent alone.
    assert!(calls < sent, "{calls} calls for {sent} datagrams");
    assert_eq!(counters.unsent.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pictures_go_over_tcp_where_no_udp_passes() {
    let media = Media::start(config(true)).unwrap();
    let server = media.tcp().unwrap();
    Box::pin(shows(&media, Real::tcp("sender", server), Real::tcp("watcher", server), server))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_tcp_connection_of_a_stranger_is_closed() {
    let media = Media::start(config(true)).unwrap();
    for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0], &[0, 3, 1, 2, 3], &[0xff; 40]] {
        let mut stream = TcpStream::connect(media.tcp().unwrap()).unwrap();
        stream.write_all(said).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        // Closed with or without a reset.
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty());
    }
    assert_eq!(media.counters().packets.load(Ordering::Relaxed), 0);
    assert!(media.counters().strangers.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn a_room_that_nobody_made_known_is_refused_and_the_end_of_media_is_told() {
    let media = Media::start(config(false)).unwrap();
    let mut real = Real::udp("a");
    let offer = real.client.offer(&[(Source::Camera, &[])], &[]);
    let refused = media.offer(ROOM, "a", offer.clone(), real.client.heard.clone()).await;
    assert_eq!(refused.unwrap_err().code, 404);
    media.rights(ROOM, rights(&["a"]));
    media.offer(ROOM, "a", offer, real.client.heard.clone()).await.unwrap();
    assert_eq!(media.counters().half_open.load(Ordering::Relaxed), 1);
    drop(media);
    let told = real.client.heard.0.lock().clone();
    assert!(told.contains(&crate::Tell::Closed(crate::Why::Left)), "{told:?}");
}
