import type { ShowDocument } from '@ict/core';
import { advisoryRows } from '../views/advisory-text.js';
import { changelogRows } from '../views/changelog-text.js';
import { lockOptions, withEngine } from '../engine-session.js';
import type { ShowFlags } from '../question-commands.js';
import { formatBytes, formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import type { Colors } from '../views/terminal.js';
import { plainText, table } from '../views/terminal-text.js';

/** `ict show` */
export async function show(session: Session, template: string, wanted: string, flags: ShowFlags): Promise<void> {
  const options = { ...lockOptions(session, flags), ...(flags.changelog === undefined ? {} : { changelog: flags.changelog }) };
  const document = await withEngine(session, flags, (engine) => engine.show(template, wanted, options));
  session.document(document);
  session.result(showText(document, session.terminal.resultColors));
}

/** A paragraph a version, the newest first; of a name that is only provided, who provides it; then the advisories about it. */
export function showText({ asked, packages, providers, advisories = [] }: ShowDocument, colors: Colors): string {
  const paragraphs = packages.map((pkg) => packageText(pkg, colors));
  if (providers.length > 0) {
    const lead = packages.length === 0 ? `${plainText(asked)} is no package; it is provided by` : `${plainText(asked)} is also provided by`;
    const byName = [...Map.groupBy(providers, ({ name }) => name).values()];
    paragraphs.push(`${lead} ${formatCount(byName.length, 'package')}:\n${table(byName.flatMap(providerRows)).join('\n')}`);
  }
  if (advisories.length > 0) {
    const rows = advisories.flatMap((advisory) =>
      advisoryRows(advisory, [...new Set(advisory.packages.map(({ version }) => version))], colors),
    );
    paragraphs.push(`${formatCount(advisories.length, 'advisory', 'advisories')}:\n${rows.join('\n')}`);
  }
  return `${paragraphs.join('\n\n')}\n`;
}

/** Each version once, with the repositories that have it. */
function providerRows(providers: ShowDocument['providers']): readonly (readonly string[])[] {
  const versions = Map.groupBy(providers, ({ version, arch, provides }) => JSON.stringify([version, arch, provides]));
  return Array.from(versions.values(), (same) => {
    const { name, version, arch, provides } = same[0]!;
    return [`  ${name}`, version, arch, same.map(({ repository }) => repository).join(', '), provides].map(plainText);
  });
}

function packageText(pkg: ShowDocument['packages'][number], colors: Colors): string {
  const { name, version, repository, summary, description, source, installedSizeBytes } = pkg;
  const marks = [
    ...(pkg.inImage ? [colors.green('in the image')] : []),
    ...(pkg.candidate === true ? [colors.green('candidate')] : []),
    ...(pkg.withheld === undefined ? [] : [colors.yellow(plainText(pkg.withheld))]),
    ...(pkg.passedOver === undefined ? [] : [`no candidate: ${plainText(pkg.passedOver)}`]),
  ];
  const mark = marks.length === 0 ? '' : `  ${marks.join(', ')}`;
  const place = `${plainText(repository)}${pkg.priority === undefined ? '' : `, priority ${pkg.priority}`}`;
  const installed = installedSizeBytes === undefined ? '' : `, ${formatBytes(installedSizeBytes)} installed`;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['Architecture', pkg.arch],
    ['Size', `${formatBytes(pkg.sizeBytes)} to download${installed}`],
    ['Source', source === undefined ? undefined : `${source.name} ${source.version}`],
    ['Maintainer', pkg.maintainer],
    ['Homepage', pkg.homepage],
    ...[...pkg.details, ...pkg.relations].map(({ field, text }) => [field, text] as const),
    ['File', pkg.archive === undefined ? pkg.path : `${pkg.archive}/${pkg.path}`],
    ['Digest', pkg.digest],
  ];
  const rows = fields.flatMap(([field, text]) => (text === undefined ? [] : [[`  ${colors.dim(plainText(field))}`, plainText(text)]]));
  const about = [summary, ...(description === undefined ? [] : ['', ...description.split('\n')])];
  return [
    `${colors.bold(plainText(name))} ${plainText(version)} (${place})${mark}`,
    ...about.map((line) => `  ${plainText(line)}`.trimEnd()),
    '',
    ...table(rows),
    ...(pkg.changelog === undefined ? [] : ['', ...changelogRows(pkg.changelog, colors)]),
  ].join('\n');
}
