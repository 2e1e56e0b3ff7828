// Somebody is asked into a group: a student to go there, those who teach to help.

import { groupOf, invitationOf } from '../../core/groups';
import { teaches } from '../../core/types';
import { useClass, useMain } from '../context';
import { Button, Dialog } from '../parts';

export function GroupInvitation() {
  const { classroom, t } = useClass();
  const main = useMain();
  const { me } = main;
  const invitation = invitationOf(main, me.id);
  if (!invitation) return null;
  const { groupUuid, groupName: name, inviter } = invitation;
  const helps = teaches(me.role);
  const decline = (): void => void classroom.actForClass((api) => api.declineGroup(groupUuid));
  const accept = async (): Promise<void> => {
    const before = groupOf(main, me.id);
    const accepted = await classroom.actForClass((api) => api.acceptGroup(groupUuid, before && before.id !== groupUuid ? [before.id] : []));
    if (accepted && helps) classroom.visit(groupUuid);
  };
  return (
    <Dialog title={t(helps ? 'groups.call' : 'groups.invited', { name })} onClose={decline} kind="group-invitation">
      <p>{helps ? t('groups.call.text', { who: inviter, name }) : t('groups.invited.text')}</p>
      <div className="sc-dialog__foot">
        <Button onClick={decline}>{t(helps ? 'groups.later' : 'groups.stay')}</Button>
        <Button kind="primary" onClick={() => void accept()}>
          {t('groups.goTo')}
        </Button>
      </div>
    </Dialog>
  );
}
