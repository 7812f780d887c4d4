import type { ProblemReport } from '@ict/plugin-api';
import { isMap, parseDocument } from 'yaml';
import { readSettingWords, requireConfigKey } from './config-keys.js';
import { parseConfig } from './config-places.js';

/** A change of one setting: its new value as words (see {@link readSettingWords}), or undefined to take it out. */
export interface ConfigChange {
  readonly key: string;
  readonly words: readonly string[] | undefined;
}

/** A configuration file with a change made. */
export interface EditedConfig {
  /** The new text; undefined when `problems` is not empty. */
  readonly text: string | undefined;
  /** What is wrong with the file as it was, or as it would become. */
  readonly problems: readonly ProblemReport[];
}

/**
 * Changes one setting in the text of a configuration file. Comments and the order of keys stay; a new key comes last in its group.
 * A group that is left empty is taken out with its last key.
 *
 * @throws `ICT_CONFIG_KEY` for a word that is no setting
 */
export function editConfig(text: string, file: string, { key, words }: ConfigChange): EditedConfig {
  const schema = requireConfigKey(key);
  const before = parseConfig(text, file, 'named');
  if (before.problems.length > 0) return { text: undefined, problems: before.problems };
  const document = parseDocument(text);
  const path = key.split('.');
  const groups = path.slice(1).map((_, index) => path.slice(0, index + 1));
  if (words === undefined) {
    for (const at of [path, ...groups.toReversed()]) {
      const value = document.getIn(at);
      if (at === path || (isMap(value) && value.items.length === 0)) document.deleteIn(at);
    }
  } else {
    // A group without a value, or behind an alias, gets a place of its own: the alias may be used elsewhere.
    for (const at of groups) {
      if (!isMap(document.getIn(at))) document.setIn(at, document.createNode(valueAt(before.content, at) ?? {}));
    }
    const value = readSettingWords(schema, words);
    // A plain value is put into the node that is there, whose comment stays.
    document.setIn(path, typeof value === 'object' ? document.createNode(value) : value);
  }
  const after = document.toString({ lineWidth: 0 });
  const { problems } = parseConfig(after, file, 'named');
  return { text: problems.length === 0 ? after : undefined, problems };
}

function valueAt(content: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>> | undefined)?.[name], content);
}
