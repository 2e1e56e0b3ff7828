// Icons of one family: 24 units square, round strokes. Decoration: whoever uses one names the control.

const PATHS = {
  mic: ['M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3Z', 'M5.5 11a6.5 6.5 0 0 0 13 0', 'M12 17.5V21'],
  micOff: ['M9 9v2a3 3 0 0 0 4.6 2.5', 'M15 11V6a3 3 0 0 0-5.7-1.3', 'M5.5 11a6.5 6.5 0 0 0 10.3 5.3', 'M18.3 12.5c.1-.5.2-1 .2-1.5', 'M12 17.5V21', 'M4 4l16 16'],
  camera: ['M3.5 7.5a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2Z', 'M14.5 10.5l6-3.5v10l-6-3.5'],
  cameraOff: ['M14.5 13.5v3a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2', 'M10 5.5h2.500a2 2 0 0 1 2 2v3l6-3.500v10l-2.500-1.500', 'M4 4l16 16'],
  screen: ['M4 4.500h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-10a1 1 0 0 1 1-1Z', 'M8.500 20h7', 'M12 13V8', 'M9.500 10 12 7.500 14.500 10'],
  screenOff: ['M4 4.500h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-10a1 1 0 0 1 1-1Z', 'M8.500 20h7', 'M9.800 8.300l4.400 4.400', 'M14.200 8.300l-4.400 4.400'],
  hand: ['M7.500 11.500V6a1.500 1.500 0 0 1 3 0v4.500', 'M10.500 10V4.500a1.500 1.500 0 0 1 3 0V10', 'M13.500 10.500V6a1.500 1.500 0 0 1 3 0v6', 'M16.500 9.500a1.500 1.500 0 0 1 3 0V14a7 7 0 0 1-7 7c-3 0-4.500-1.200-6-3.500l-2.700-4.300a1.500 1.500 0 0 1 2.500-1.600l1.200 1.600'],
  people: ['M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Z', 'M2.500 20a6.500 6.500 0 0 1 13 0', 'M16 4.300a3.500 3.500 0 0 1 0 6.400', 'M18 14a6.500 6.500 0 0 1 3.500 6'],
  chat: ['M4 5.500a1.500 1.500 0 0 1 1.500-1.500h13A1.500 1.500 0 0 1 20 5.500v9a1.500 1.500 0 0 1-1.500 1.500H11l-4.500 4v-4h-1A1.500 1.500 0 0 1 4 14.500Z', 'M8 8.500h8', 'M8 11.500h5'],
  tools: ['M4 4h6v6H4Z', 'M14 4h6v6h-6Z', 'M4 14h6v6H4Z', 'M17 14v6', 'M14 17h6'],
  poll: ['M5 20V11', 'M12 20V4', 'M19 20v-6'],
  quiz: ['M5 4h14v16H5Z', 'M8.500 9l1 1 2-2', 'M14 9h2', 'M8.500 15l1 1 2-2', 'M14 15h2'],
  timer: ['M12 21a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z', 'M12 9v4l2.500 2', 'M9.500 2.500h5'],
  settings: ['M4 7h9', 'M17 7h3', 'M4 17h3', 'M11 17h9', 'M15 9.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400Z', 'M9 19.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400Z'],
  leave: ['M13 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h7', 'M10 12h11', 'M17.500 8.500 21 12l-3.500 3.500'],
  grid: ['M4 4.500h7v6.500H4Z', 'M13 4.500h7v6.500h-7Z', 'M4 13h7v6.500H4Z', 'M13 13h7v6.500h-7Z'],
  speaker: ['M3.500 4.500h17v10h-17Z', 'M3.500 17h4v3h-4Z', 'M10 17h4v3h-4Z', 'M16.500 17h4v3h-4Z'],
  stage: ['M3.500 9.500h17v10h-17Z', 'M3.500 4h4v3h-4Z', 'M10 4h4v3h-4Z', 'M16.500 4h4v3h-4Z'],
  star: ['m12 3.500 2.600 5.400 5.900.8-4.300 4.100 1 5.900L12 16.900l-5.200 2.800 1-5.900L3.500 9.700l5.900-.8Z'],
  more: ['M5 12h.01', 'M12 12h.01', 'M19 12h.01'],
  close: ['M6 6l12 12', 'M18 6 6 18'],
  check: ['m5 12.500 4.500 4.500L19 7.500'],
  plus: ['M12 5v14', 'M5 12h14'],
  minus: ['M5 12h14'],
  stageUp: ['M12 14V4.500', 'M8 8.500l4-4 4 4', 'M4 19.500h16', 'M7 16.500h10'],
  stageDown: ['M12 4v9.500', 'M8 9.500l4 4 4-4', 'M4 19.500h16', 'M7 16.500h10'],
  kick: ['M10 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Z', 'M3.500 20a6.500 6.500 0 0 1 11-4.700', 'M16 16l5 5', 'M21 16l-5 5'],
  send: ['M4 12 20 4l-4.500 16-4-6.500Z', 'M11.500 13.500 20 4'],
  pause: ['M8.500 5.500v13', 'M15.500 5.500v13'],
  play: ['M7.500 5v14l11-7Z'],
  link: ['M10 13.500a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1', 'M14 10.500a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1'],
  sound: ['M4 9.500v5h3.500L12 18.500v-13L7.500 9.500Z', 'M15.500 9a4 4 0 0 1 0 6', 'M18 6.500a7.500 7.500 0 0 1 0 11'],
  warning: ['M12 4 2.800 19.500h18.400Z', 'M12 10v4', 'M12 16.800h.01'],
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg className="sc-icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={name === 'more' ? 3 : 1.75} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {PATHS[name].map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}

/** Bars that fill with the quality of the network. */
export function Bars({ level }: { readonly level: 0 | 1 | 2 | 3 }) {
  return (
    <svg className="sc-icon" width="18" height="18" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {[0, 1, 2].map((bar) => (
        <rect key={bar} x={3 + bar * 7} y={15 - bar * 5} width="4.500" height={6 + bar * 5} rx="1.500" fill="currentColor" opacity={bar < level ? 1 : 0.25} />
      ))}
    </svg>
  );
}
