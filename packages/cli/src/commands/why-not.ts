import type { WhyNot } from '@ict/core';
import { lockOptions, withEngine } from '../engine-session.js';
import { positionText } from '../views/failure-text.js';
import type { LockFlags } from '../flag-types.js';
import { formatBytes, formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import type { Colors } from '../views/terminal.js';
import { plainText } from '../views/terminal-text.js';

/** Packages of an answer that are told by name. */
const TOLD = 10;

/** `ict why-not` */
export async function whyNot(session: Session, template: string, wanted: string, flags: LockFlags): Promise<void> {
  const document = await withEngine(session, flags, (engine) => engine.whyNot(template, wanted, lockOptions(session, flags)));
  session.document(document);
  session.result(whyNotText(document, template, session.terminal.resultColors));
}

/** An answer for people: the verdict, then what it rests on. */
export function whyNotText(answer: WhyNot, template: string, colors: Colors): string {
  const lines = [verdict(answer, template, colors)];
  for (const { message, position, because, hint } of answer.problems) {
    lines.push('', `  ${plainText(message)}${position === undefined ? '' : ` (${positionText(position)})`}`);
    lines.push(...because.map((line) => `  ${colors.dim('-')} ${plainText(line)}`));
    if (hint !== undefined) lines.push(`  ${colors.cyan('hint:')} ${plainText(hint)}`);
  }
  if (answer.brings.length > 0) {
    const bytes = answer.brings.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    lines.push('', `  Asking for it would bring ${formatCount(answer.brings.length, 'package')}, ${formatBytes(bytes)}:`);
    lines.push(...told(answer.brings));
  }
  const { drops = [] } = answer;
  if (drops.length > 0) lines.push('', `  and ${formatCount(drops.length, 'package')} would go:`, ...told(drops));
  return `${lines.join('\n')}\n`;
}

/** Packages with their versions, those whose place others take first: they change what the template asks for. */
function told(packages: readonly { readonly id: string; readonly version: string; readonly before?: string }[]): readonly string[] {
  const changed = packages.toSorted((a, b) => Number(b.before !== undefined) - Number(a.before !== undefined));
  const lines = changed.slice(0, TOLD).map(({ id, version, before }) => {
    const from = before === undefined ? '' : `${plainText(before)} -> `;
    return `    ${plainText(id)} ${from}${plainText(version)}`;
  });
  return packages.length > TOLD ? [...lines, `    and ${packages.length - TOLD} more`] : lines;
}

function verdict(answer: WhyNot, template: string, colors: Colors): string {
  const { verdict: kind, asked, chosen } = answer;
  const name = colors.bold(plainText(asked));
  const version = plainText(chosen?.version ?? '');
  switch (kind) {
    case 'present':
      return present(answer, template, colors);
    case 'unavailable':
      return `${name} cannot be had, not even alone:`;
    case 'excluded':
      return `${name} cannot be installed together with what the template asks for:`;
    case 'not-needed':
      return `${name} could be installed, but nothing that the template asks for needs it`;
    case 'not-preferred':
      return `${name} could be installed, but ${version} of ${plainText(chosen?.repository ?? '')} comes first`;
  }
}

/** What is there under a name: the package itself, or one that provides the name. */
function present({ asked, chosen }: WhyNot, template: string, colors: Colors): string {
  const { id = asked, version = '' } = chosen ?? {};
  const [, name, arch] = /^(.*?)(?::([^:]*))?$/.exec(id)!;
  const wanted = asked.replace(/[=/].*$/, '');
  const isItself = wanted === name || wanted.startsWith(`${name}:`) || wanted === `${name}.${arch}`;
  const why = `\`ict why ${template} ${plainText(wanted === id ? id : name)}\` says why`;
  const what = isItself
    ? `is in the image, as ${plainText(version)}`
    : `is in the image: ${plainText(name)} ${plainText(version)} provides it`;
  return `${colors.bold(plainText(asked))} ${what}; ${why}`;
}
