import { stringify } from 'yaml';
import type { Template } from './schema/template.js';

const ORDER: readonly (keyof Template)[] = [
  'extends',
  'metadata',
  'image',
  'target',
  'disk',
  'systemConfig',
  'layers',
  'packageRepositories',
  'build',
  'lock',
  'baseline',
  'overlayPolicy',
];

/** What stands where a secret was. */
const REDACTED = '<REDACTED>';

/**
 * Writes a template (often a merged one) as YAML, keys in their usual order. Passwords and hashes of them are replaced by a
 * placeholder, which reads back as "no password".
 */
export function writeTemplate(template: Template): string {
  const ordered: Record<string, unknown> = {};
  for (const key of ORDER) if (template[key] !== undefined) ordered[key] = template[key];
  const users = template.systemConfig?.users;
  if (users !== undefined) {
    const redacted = users.map((user) => (user.password ? { ...user, password: REDACTED } : user));
    ordered['systemConfig'] = { ...template.systemConfig, users: redacted };
  }
  return stringify(ordered, { lineWidth: 0, aliasDuplicateObjects: false });
}
