// Texts by language.

import { en, type Dictionary, type Key } from './en';
import { zh } from './zh';
import type { Language } from '../core/options';

export type { Key } from './en';
export type Translate = (key: Key, values?: Readonly<Record<string, string | number>>) => string;

const DICTIONARIES: Readonly<Record<Language, Dictionary>> = { en, zh };

export function translator(language: Language): Translate {
  const dictionary = DICTIONARIES[language];
  return (key, values = {}) => dictionary[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
