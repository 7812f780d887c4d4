import { stringify } from 'yaml';
import { type SettingSchema, WITHOUT_EFFECT } from './config-keys.js';
import { configSchema } from '../schema/config.js';

/** Longest line of a comment, in characters. */
const WIDTH = 100;

/**
 * A configuration file that sets nothing: every setting with what it means and its default, or an example where that says nothing.
 * Explanations begin with `# `; the line of a setting is in force when its `#` is taken away.
 */
export function sampleConfig(): string {
  return [...comment(configSchema.description, ''), '', ...entries(configSchema.properties, '')].join('\n');
}

function entries(properties: Readonly<Record<string, SettingSchema>>, indent: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    if ((WITHOUT_EFFECT as readonly string[]).includes(name)) return [];
    const explained = comment(schema.description, indent);
    if (schema.properties !== undefined) return [...explained, `#${indent}${name}:`, ...entries(schema.properties, `${indent}  `)];
    const value = stringify({ [name]: shown(schema) }, { lineWidth: 0 }).trimEnd();
    return [...explained, ...value.split('\n').map((line) => `#${indent}${line}`), ...(indent === '' ? [''] : [])];
  });
}

/** The default of a setting; an example of one that has none, or an empty one. */
function shown({ default: fallback, examples: [example] }: SettingSchema): unknown {
  return fallback === undefined || typeof fallback === 'object' ? example : fallback;
}

/** Text as comment lines, broken between words. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `# ${indent}`.trimEnd();
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `# ${indent}`.trimEnd();
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
