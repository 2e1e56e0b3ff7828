//! The rows about administrators, mutes, lists, announcement and attributes.

use super::{Changes, Operation, Reads, allow, block, describe, mute, only, user};

// The columns:
//   owner admin member muted blocked invited applicant stranger | foreigner back-end foreign-back-end
pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation!(
            "list administrators",
            Reads,
            "ok ok ok ok ok ok ok ok none ok none",
            |a, me| a.world.chat.group_admins(&a.caller, &a.group).await.map(drop)
        ),
        operation!(
            "make a member administrator",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| {
                let device = Some(&a.device);
                a.world.chat.add_group_admin(&a.caller, device, &a.group, &user("target")).await
            }
        ),
        operation!(
            "make a stranger administrator",
            Changes,
            "out rank rank rank out out out out none out none",
            |a, me| {
                let device = Some(&a.device);
                a.world.chat.add_group_admin(&a.caller, device, &a.group, &user("nobody")).await
            }
        ),
        operation!(
            "make the owner administrator",
            Changes,
            "owner rank rank rank out out out out none owner none",
            |a, me| {
                let device = Some(&a.device);
                a.world.chat.add_group_admin(&a.caller, device, &a.group, &user("owner")).await
            }
        ),
        operation!(
            "take an administrator's post",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| {
                let device = Some(&a.device);
                a.world.chat.remove_group_admin(&a.caller, device, &a.group, &user("deputy")).await
            }
        ),
        operation!(
            "mute a member",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| mute(a, "target").await
        ),
        operation!(
            "mute an administrator",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| mute(a, "deputy").await
        ),
        operation!(
            "mute the owner",
            Changes,
            "owner owner rank rank out out out out none owner none",
            |a, me| mute(a, "owner").await
        ),
        operation!(
            "mute a stranger",
            Changes,
            "out out rank rank out out out out none out none",
            |a, me| mute(a, "nobody").await
        ),
        operation!("unmute", Changes, "ok ok rank rank out out out out none ok none", |a, me| {
            let (device, users) = (Some(&a.device), vec![user("muted")]);
            a.world.chat.unmute_in_group(&a.caller, device, &a.group, users).await.map(drop)
        }),
        operation!(
            "list the muted",
            Reads,
            "ok ok rank rank out out out out none ok none",
            |a, me| a.world.chat.muted_in_group(&a.caller, &a.group).await.map(drop)
        ),
        operation!("am I muted", Reads, "ok ok ok ok out out out out none ok none", |a, me| {
            a.world.chat.is_muted_in_group(&a.caller, &a.group, &me).await.map(drop)
        }),
        operation!(
            "is another muted",
            Reads,
            "self self self self self self self self self ok none",
            |a, me| {
                a.world.chat.is_muted_in_group(&a.caller, &a.group, &user("target")).await.map(drop)
            }
        ),
        operation!("mute all", Changes, "ok ok rank rank out out out out none ok none", |a, me| {
            a.world.chat.mute_all_in_group(&a.caller, Some(&a.device), &a.group, true).await
        }),
        operation!(
            "unmute all",
            Changes,
            Some("mute all"),
            "ok ok rank rank out out out out none ok none",
            |a, me| {
                a.world.chat.mute_all_in_group(&a.caller, Some(&a.device), &a.group, false).await
            }
        ),
        operation!(
            "block a member",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| block(a, "target").await
        ),
        operation!(
            "block an administrator",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| block(a, "deputy").await
        ),
        operation!(
            "block the owner",
            Changes,
            "owner owner rank rank out out out out none owner none",
            |a, me| block(a, "owner").await
        ),
        operation!(
            "block a stranger",
            Changes,
            "out out rank rank out out out out none out none",
            |a, me| block(a, "nobody").await
        ),
        operation!("unblock", Changes, "ok ok rank rank out out out out none ok none", |a, me| {
            let (device, users) = (Some(&a.device), vec![user("blocked")]);
            only(a.world.chat.unblock_in_group(&a.caller, device, &a.group, users).await)
        }),
        operation!(
            "list the blocked",
            Reads,
            "ok ok rank rank out out out out none ok none",
            |a, me| {
                a.world.chat.blocked_in_group(&a.caller, &a.group, None, None).await.map(drop)
            }
        ),
        operation!(
            "allow a member",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| allow(a, "target", true).await
        ),
        operation!(
            "allow a stranger",
            Changes,
            "out out rank rank out out out out none out none",
            |a, me| allow(a, "nobody", true).await
        ),
        operation!(
            "take off the allow list",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| allow(a, "white", false).await
        ),
        operation!(
            "list the allowed",
            Reads,
            "ok ok rank rank out out out out none ok none",
            |a, me| a.world.chat.allowed_in_group(&a.caller, &a.group).await.map(drop)
        ),
        operation!("am I allowed", Reads, "ok ok ok ok out out out out none ok none", |a, me| {
            a.world.chat.is_allowed_in_group(&a.caller, &a.group, &me).await.map(drop)
        }),
        operation!(
            "is another allowed",
            Reads,
            "ok ok rank rank out out out out none ok none",
            |a, me| {
                a.world
                    .chat
                    .is_allowed_in_group(&a.caller, &a.group, &user("target"))
                    .await
                    .map(drop)
            }
        ),
        operation!(
            "read the announcement",
            Reads,
            "ok ok ok ok out out out out none ok none",
            |a, me| a.world.chat.group_announcement(&a.caller, &a.group).await.map(drop)
        ),
        operation!("announce", Changes, "ok ok rank rank out out out out none ok none", |a, me| {
            a.world.chat.set_group_announcement(&a.caller, Some(&a.device), &a.group, "new").await
        }),
        operation!(
            "take the announcement away",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| {
                a.world.chat.set_group_announcement(&a.caller, Some(&a.device), &a.group, "").await
            }
        ),
        operation!(
            "set my attributes",
            Changes,
            "ok ok ok ok out out out out none ok none",
            |a, me| describe(a, &me).await
        ),
        operation!(
            "set another's attributes",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| describe(a, &user("target")).await
        ),
        operation!(
            "set a stranger's attributes",
            Changes,
            "out out rank rank out out out out none out none",
            |a, me| describe(a, &user("nobody")).await
        ),
        operation!(
            "read another's attributes",
            Reads,
            "ok ok ok ok out out out out none ok none",
            |a, me| {
                let users = [user("target")];
                a.world.chat.member_attributes(&a.caller, &a.group, &users, &[]).await.map(drop)
            }
        ),
        operation!(
            "list shared files",
            Reads,
            "ok ok ok ok out out out out none ok none",
            |a, me| a.world.chat.group_files(&a.caller, &a.group, 0, 10).await.map(drop)
        ),
    ]
}
