import { stringify } from 'yaml';
import type { Path } from './path.js';
import { templateSchema, type Template } from '../schema/template.js';
import { REDACTED, redactAddress, redactCredentials, redactData, redactText, tellingSecrets } from '../sections/secret-text.js';

/** The usual order of keys: that of the schema. */
const ORDER = Object.keys(templateSchema.properties) as (keyof Template)[];

/** What a printed template must not show. */
export interface TemplateSecrets {
  readonly secrets: readonly string[];
  /** Whether a secret is part of the text at a path. Secrets that might be ordinary words are covered there alone. */
  readonly holdsSecret: (path: Path) => boolean;
}

const NONE: TemplateSecrets = { secrets: [], holdsSecret: () => false };

/**
 * A template with its keys in their usual order; passwords and hashes of them are replaced by a placeholder, as are those in addresses of
 * repositories, and other secrets.
 */
export function redactTemplate(template: Template, { secrets, holdsSecret }: TemplateSecrets): Template {
  const ordered: Record<string, unknown> = {};
  for (const key of ORDER) if (template[key] !== undefined) ordered[key] = template[key];
  const users = template.systemConfig?.users;
  if (users !== undefined) {
    const redacted = users.map((user) => (user.password ? { ...user, password: REDACTED } : user));
    ordered['systemConfig'] = { ...template.systemConfig, users: redacted };
  }
  const visit = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') {
      const text = holdsSecret(path) ? redactText(value, secrets) : value;
      if (path[0] !== 'packageRepositories') return text;
      return path.at(-1) === 'url' ? redactAddress(text) : redactCredentials(text);
    }
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visit(inner, [...path, key])]));
  };
  return redactData(visit(ordered, []) as Template, tellingSecrets(secrets));
}

/**
 * Writes a template (often a merged one) as YAML, keys in their usual order. Passwords, hashes of them and these secrets are
 * replaced by a placeholder, which reads back as "no password".
 */
export function writeTemplate(template: Template, hidden: TemplateSecrets = NONE): string {
  return stringify(redactTemplate(template, hidden), { lineWidth: 0, aliasDuplicateObjects: false });
}
