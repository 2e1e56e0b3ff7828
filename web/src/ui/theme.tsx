// Light, dark, or as the system has it; remembered by this browser.

import { useEffect, useState } from 'react';

const KEY = 'stoa-demo:theme';
const CHOICES = ['system', 'light', 'dark'] as const;
type Theme = (typeof CHOICES)[number];

const known = (text: string | null): Theme => CHOICES.find((choice) => choice === text) ?? 'system';

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** To be called before anything is shown. */
export function applyTheme(): void {
  apply(known(localStorage.getItem(KEY)));
}

export function ThemeChoice() {
  const [theme, setTheme] = useState(() => known(localStorage.getItem(KEY)));
  useEffect(() => {
    apply(theme);
    localStorage.setItem(KEY, theme);
  }, [theme]);
  return (
    <label className="theme">
      <span>Theme</span>
      <select value={theme} onChange={(event) => setTheme(known(event.target.value))}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
