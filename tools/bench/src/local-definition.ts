/** An archive that stands in for those of a distribution definition. */
export interface LocalRepository {
  readonly archive: string;
  readonly suite: string;
  readonly keyring: string;
}

/** A distribution definition that reads one local archive and is otherwise unchanged. @throws when it lists no repositories. */
export function withLocalRepository(definition: string, { archive, suite, keyring }: LocalRepository): string {
  const list = /^repositories:\n(?: .*\n|\n)*/m;
  if (!list.test(definition)) throw new Error('the distribution definition has no list "repositories"');
  const repository = ['repositories:', '  - id: local', `    archive: ${archive}`, `    suite: ${suite}`, '    components: [main]'];
  return definition.replace(list, `${[...repository, `    keyrings: [${JSON.stringify(keyring)}]`].join('\n')}\n\n`);
}

/** A template that asks for a raw disk alone: what mmdebstrap and mke2fs make has no other form. @throws when it asks for no raw disk. */
export function rawOnly(template: string): string {
  const list = /^( *)artifacts:\n(?:\1 +.*\n)+/m;
  if (!/^ *- type: raw$/m.test(list.exec(template)?.[0] ?? '')) throw new Error('the template asks for no uncompressed raw disk');
  return template.replace(list, '$1artifacts:\n$1  - type: raw\n');
}

/** A template with one more file: that beside it of this name. @throws when the template says something of files already. */
export function withFile(template: string, name: string): string {
  if (/^ *additionalFiles:/m.test(template)) throw new Error('the template has files of its own');
  return addToSystem(template, `  additionalFiles:\n    - local: ${name}\n      final: /usr/local/share/${name}\n`);
}

/** A template with one more package. @throws when it has no list of packages to add to. */
export function withPackage(template: string, name: string): string {
  const list = /^ {2}packages:\n/m;
  if (!list.test(template)) throw new Error('the template has no list of packages');
  return template.replace(list, `  packages:\n    - ${name}\n`);
}

function addToSystem(template: string, text: string): string {
  const section = /^systemConfig:\n/m;
  if (!section.test(template)) throw new Error('the template has no section "systemConfig"');
  return template.replace(section, `systemConfig:\n${text}`);
}
