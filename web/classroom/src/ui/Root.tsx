// The whole page: device check, the way in, the class, and its end.

import { useEffect, useState } from 'react';
import { ClassProvider, useClassroom } from './context';
import type { Classroom } from '../core/classroom';
import { DeviceCheck } from './DeviceCheck';
import { Gate } from './Gate';
import { RoomView } from './RoomView';

export function Root({ classroom }: { readonly classroom: Classroom }) {
  return (
    <ClassProvider classroom={classroom}>
      <Pages />
    </ClassProvider>
  );
}

function Pages() {
  const classroom = useClassroom();
  const [checking, setChecking] = useState(classroom.options.pretest && classroom.mayPublish);
  const state = classroom.state();
  useEffect(() => {
    if (!checking) void classroom.join();
  }, [classroom, checking]);
  if (checking) return <DeviceCheck onEnter={() => setChecking(false)} />;
  if (state.phase === 'in') {
    const { room, link } = classroom.here() ?? state;
    return <RoomView main={state.room} room={room} link={state.link === 'live' ? link : state.link} />;
  }
  return <Gate state={state} onAgain={() => void classroom.join()} />;
}
