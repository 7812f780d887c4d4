import { stringify } from 'yaml';
import { templateSchema, type Template } from './schema/template.js';
import { REDACTED, redactData } from './secret-text.js';

/** The usual order of keys: that of the schema. */
const ORDER = Object.keys(templateSchema.properties) as (keyof Template)[];

/** A template with its keys in their usual order; passwords and hashes of them are replaced by a placeholder, as are other secrets. */
export function redactTemplate(template: Template, secrets: readonly string[] = []): Template {
  const ordered: Record<string, unknown> = {};
  for (const key of ORDER) if (template[key] !== undefined) ordered[key] = template[key];
  const users = template.systemConfig?.users;
  if (users !== undefined) {
    const redacted = users.map((user) => (user.password ? { ...user, password: REDACTED } : user));
    ordered['systemConfig'] = { ...template.systemConfig, users: redacted };
  }
  return redactData(ordered as unknown as Template, secrets);
}

/**
 * Writes a template (often a merged one) as YAML, keys in their usual order. Passwords, hashes of them and these secrets are
 * replaced by a placeholder, which reads back as "no password".
 */
export function writeTemplate(template: Template, secrets: readonly string[] = []): string {
  return stringify(redactTemplate(template, secrets), { lineWidth: 0, aliasDuplicateObjects: false });
}
