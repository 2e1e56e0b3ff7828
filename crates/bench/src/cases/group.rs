//! Texts to a group whose members are all online: what it costs to deliver one to one of them.
//!
//! A message is stored once, acknowledged to its sender after it is durable, pushed to every other
//! member, and acknowledged by each. One that all of them have frees its sender for the next; the
//! same members are then put under pressure by more senders with more on their way.

use std::time::Duration;

use stoa_wire::NameSpace;

use crate::Error;
use crate::cases::Case;
use crate::cases::p2p::text;
use crate::client::Session;
use crate::client::protocol::News;
use crate::load::group::{Heard, Member, Pressure, drive};
use crate::load::{Amount, Load};
use crate::parallel;
use crate::peers::ejabberd::{Archive, Ejabberd};
use crate::peers::xmpp::Xmpp;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::rest::Rest;
use crate::stoa::{AT_ONCE, Stoa, names};

const MEMBERS: usize = 1_000;
/// A few who wait for everybody.
const LIGHT: Pressure = Pressure { senders: 4, in_flight: 1 };
/// More than the machine can carry.
const FULL: Pressure = Pressure { senders: 8, in_flight: 4 };

/// The case.
pub(super) static CASE: Case = Case {
    name: "group",
    about: "texts to a group of 1,000 online members, acknowledged by each; beside a room of ejabberd's",
    figures: &[
        Figure::new("cpu", "server CPU per million deliveries, 4 × 1", "s").goal(15.0, 30.0),
        Figure::new("members", "members online", ""),
        Figure::new("messages", "messages sent, 4 × 1", ""),
        Figure::new("rate", "deliveries, 4 × 1", "1/s"),
        Figure::new("p50", "sent to received p50, 4 × 1", "ms"),
        Figure::new("p99", "sent to received p99, 4 × 1", "ms"),
        Figure::new("server_cores", "server, 4 × 1", "cores"),
        Figure::new("generator_cores", "load generator, 4 × 1", "cores"),
        Figure::new("after_cpu", "of the CPU: after the last message", "s"),
        Figure::new("full_cpu", "server CPU per million deliveries, 8 × 4", "s").goal(15.0, 30.0),
        Figure::new("full_messages", "messages sent, 8 × 4", ""),
        Figure::new("full_rate", "deliveries, 8 × 4", "1/s"),
        Figure::new("full_p50", "sent to received p50, 8 × 4", "ms"),
        Figure::new("full_p99", "sent to received p99, 8 × 4", "ms"),
        Figure::new("full_server_cores", "server, 8 × 4", "cores"),
        Figure::new("full_generator_cores", "load generator, 8 × 4", "cores"),
        Figure::new("rss", "server RSS then", "MB"),
        Figure::new("disk", "data on disk per message", "bytes"),
    ],
    deadline: |plan| plan.pick(Duration::from_secs(240), Duration::from_secs(480)),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let users = names("group", MEMBERS);
    stoa.register(&users).await?;
    let mut rest = Rest::connect(stoa.endpoint(), stoa.token(None)).await?;
    let group = stoa.group(&mut rest, "a thousand", &users).await?;
    let members = parallel::each(stoa.sessions(&users).await?, AT_ONCE, |mut session| async move {
        // That they are in a group is news, which is no message.
        session.settle().await.map(|()| session)
    })
    .await?;
    let disk = stoa.disk();
    let usage = || stoa.usage();
    let (light, full, members) = both(plan, &group, members, &usage).await?;
    let (rss, disk) = (stoa.usage().rss, stoa.disk().saturating_sub(disk));
    drop(members);
    stoa.stop().await?;
    let mut values = figures(&light, &full, MEMBERS - 1);
    let messages = (light.messages_in_all + full.messages_in_all) as f64 / (MEMBERS - 1) as f64;
    values.push(("rss", rss as f64 / 1e6));
    values.push(("disk", disk as f64 / messages));
    let mut samples = vec![Sample::stoa(values)];
    if plan.peers {
        samples.push(ejabberd(plan, &users).await?);
    }
    Ok(samples)
}

/// A room with as many occupants, which stores nothing, acknowledges nothing, and tells the sender,
/// too, what it sent.
async fn ejabberd(plan: &Plan, users: &[String]) -> Result<Sample, Error> {
    let ejabberd = Ejabberd::started(Archive::None).await?;
    ejabberd.register(users).await?;
    let room = Ejabberd::room("thousand");
    let sessions = ejabberd.sessions(users, false).await?;
    let entered = room.clone();
    let members = parallel::each(sessions, AT_ONCE, move |mut session: Xmpp| {
        let room = entered.clone();
        async move { session.join(&room).await.map(|()| session) }
    })
    .await?;
    let usage = || ejabberd.usage();
    let (light, full, members) = both(plan, &room, members, &usage).await?;
    drop(members);
    ejabberd.stop().await?;
    let values = figures(&light, &full, MEMBERS);
    Ok(Sample { subject: "ejabberd, nothing stored".into(), values })
}

/// A few senders, then many.
async fn both<M: Member>(
    plan: &Plan,
    group: &str,
    members: Vec<M>,
    usage: &dyn Fn() -> crate::proc::Usage,
) -> Result<(Load, Load, Vec<M>), Error> {
    let amount = Amount::Time(plan.pick(6, 20));
    let (light, members) = drive(group, members, LIGHT, amount, usage).await?;
    let (full, members) = drive(group, members, FULL, amount, usage).await?;
    Ok((light, full, members))
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
fn figures(light: &Load, full: &Load, receivers: usize) -> Vec<(&'static str, f64)> {
    let messages = |load: &Load| load.messages as f64 / receivers as f64;
    vec![
        ("cpu", light.cpu_per_million()),
        ("members", MEMBERS as f64),
        ("messages", messages(light)),
        ("rate", light.rate()),
        ("p50", light.latencies.quantile_ms(0.5)),
        ("p99", light.latencies.quantile_ms(0.99)),
        ("server_cores", light.server_cores()),
        ("generator_cores", light.generator_cores()),
        ("after_cpu", light.cpu_after.as_secs_f64()),
        ("full_cpu", full.cpu_per_million()),
        ("full_messages", messages(full)),
        ("full_rate", full.rate()),
        ("full_p50", full.latencies.quantile_ms(0.5)),
        ("full_p99", full.latencies.quantile_ms(0.99)),
        ("full_server_cores", full.server_cores()),
        ("full_generator_cores", full.generator_cores()),
    ]
}

impl Member for Session {
    const ANSWERED: bool = true;
    const ECHOED: bool = false;

    async fn hear(&mut self) -> Result<Heard, Error> {
        Ok(match Session::hear(self).await? {
            News::Ack(_) => Heard::Taken,
            News::Page(metas) | News::Last(metas) => {
                let messages = metas.into_iter().filter(|meta| meta.ns() == NameSpace::Chat);
                Heard::Texts(messages.map(text).collect::<Result<_, _>>()?)
            }
            _ => Heard::Nothing,
        })
    }

    async fn answer(&mut self) -> Result<(), Error> {
        Session::answer(self).await
    }

    async fn say(&mut self, group: &str, text: String) -> Result<(), Error> {
        self.send_group_text(group, text).await.map(drop)
    }
}
