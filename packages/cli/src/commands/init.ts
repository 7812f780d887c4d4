import { dirname, join, relative, resolve } from 'node:path';
import type { Engine } from '@ict/core';
import type { DistributionDefinition } from '@ict/plugin-api';
import {
  escapeReferences,
  nearest,
  ofArchitecture,
  type Template,
  type TemplateDefaults,
  templateError,
  writeTemplate,
} from '@ict/template';
import type { InitFlags } from '../authoring-commands.js';
import { readIfPresent, writeUserFile } from '../config-file.js';
import { withEngine } from '../engine-session.js';
import { cliError } from '../errors.js';
import { packageDirectory } from '../package-directory.js';
import type { Session } from '../session.js';

/** `ict init`: a template from flags and answers, checked before it is written. */
export async function init(session: Session, named: string | undefined, flags: InitFlags): Promise<void> {
  const { surroundings } = session;
  const { file, problems, template, text } = await withEngine(session, { ...flags, hostMirrors: false, offline: true }, (engine) =>
    draft(session, named, flags, engine),
  );
  if (problems.length > 0) {
    throw templateError('ICT_TEMPLATE_INVALID', {
      message: `the answers do not make a valid template; ${file} is not written`,
      hint: 'Give other values.',
      facts: { file },
      problems,
    });
  }
  if (flags.force !== true && (await readIfPresent(file)) !== undefined) {
    throw cliError('ICT_CLI_FILE_EXISTS', {
      message: `${file} exists already`,
      hint: 'Name another file, or give --force to replace it.',
      facts: { file },
    });
  }
  await writeUserFile(file, text, surroundings);
  session.document({ file, template });
  session.result(`${file} written; see what it builds with: ict plan ${file}\n`);
}

/** The template that flags and answers make, where it is to go, and what is wrong with it. */
async function draft(session: Session, named: string | undefined, flags: InitFlags, engine: Engine) {
  const template = await compose(session, flags, engine.distributions());
  const file = resolve(session.surroundings.cwd, named ?? `${template.image.name}.yml`);
  const text = `# yaml-language-server: $schema=${schemaFor(dirname(file))}\n${writeTemplate(escapeReferences(template))}`;
  const { problems } = await engine.validate(file, { text });
  return { file, problems, template, text };
}

/** Where editors find the schema of templates: in the `node_modules` beside the file or above it, named from its directory. */
function schemaFor(directory: string): string {
  const found = packageDirectory('@ict/template', directory) ?? join(directory, 'node_modules', '@ict', 'template');
  return relative(directory, join(found, 'schema', 'template.schema.json'));
}

/** Whoever names a distribution without its release hears of all of its releases. */
function distributionHint(asked: string, known: readonly string[]): string {
  const releases = known.filter((one) => one.startsWith(asked.toLowerCase()));
  if (releases.length > 1) return `It is one of: ${releases.join(', ')}.`;
  const near = nearest(asked, known);
  return near === undefined ? `It is one of: ${known.join(', ')}.` : `Did you mean "${near}"?`;
}

/** What packages of Debian and of rpm distributions are called, patterns and versions included. */
const PACKAGE = /^[A-Za-z0-9*?[][A-Za-z0-9+._:~^*?!/[\]-]*(?:\s*(?:=|<<|>>|[<>]=?)\s*[A-Za-z0-9+._:~^-]+)?$/;

async function compose(session: Session, flags: InitFlags, definitions: readonly DistributionDefinition[]): Promise<Template> {
  const prompter = await session.surroundings.prompter();
  /** What a flag says, else what people answer, else `otherwise`. */
  const value = async (given: string | undefined, question: string, otherwise: string): Promise<string> =>
    given ?? (prompter === undefined ? otherwise : prompter.ask(question, otherwise, session.signal));
  const known = definitions.map(({ dist }) => dist).sort();
  const dist = await value(flags.distro, `Distribution (${known.join(', ')})`, known.includes('debian13') ? 'debian13' : (known[0] ?? ''));
  if (prompter === undefined && flags.distro === undefined) {
    throw cliError('ICT_CLI_USAGE', {
      message: 'there is no terminal to ask on, and no --distro',
      hint: `It is one of: ${known.join(', ')}.`,
    });
  }
  const definition = definitions.find((one) => one.dist === dist);
  if (definition === undefined) {
    throw cliError('ICT_CLI_USAGE', {
      message: `no distribution is called ${JSON.stringify(dist)}`,
      hint: distributionHint(dist, known),
    });
  }
  const asked = flags.arch ?? definition.architectures[0];
  const arch = definition.architectures.find((one) => one === asked);
  if (arch === undefined) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${definition.title} does not exist for ${JSON.stringify(asked)}`,
      hint: `It exists for: ${definition.architectures.join(', ')}.`,
    });
  }
  const purpose = await value(flags.purpose, 'What is the image for', 'a small system');
  const name = await value(flags.name, 'Name of the image', `${dist}-${arch}`);
  const packages = flags.package ?? (await value(undefined, 'More packages, with blanks between them', '')).split(/[\s,]+/).filter(Boolean);
  const odd = packages.find((one) => !PACKAGE.test(one));
  if (odd !== undefined) {
    throw cliError('ICT_CLI_USAGE', {
      message: `no package is called ${JSON.stringify(odd)}`,
      hint: 'Give --package once for each: a name or pattern, with a version if it matters.',
    });
  }
  // Parsing the definition has checked its defaults.
  const { disk } = (ofArchitecture(definition, arch).defaults['raw'] ?? {}) as TemplateDefaults;
  const size = await value(flags.diskSize, 'Size of the disk', String(disk?.size ?? '4GiB'));
  return {
    metadata: { description: `${definition.title}: ${purpose}` },
    image: { name, version: '1.0.0' },
    target: { os: definition.os, dist, arch, imageType: 'raw' },
    ...(disk === undefined || size === disk.size ? {} : { disk: { ...disk, size } }),
    systemConfig: {
      name,
      description: purpose,
      ...(packages.length === 0 ? {} : { packages: [...new Set(packages)] }),
    },
  };
}
