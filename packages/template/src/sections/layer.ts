import path from 'node:path';
import type { LayerCommand, LayerInput, LayerSpec, SourcePosition } from '@ict/plugin-api';
import { findLocal, readAdditionalFile } from './additional-file.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import type { Report, SpecReports } from '../problems/report.js';
import type { Template } from '../schema/template.js';

type Layer = NonNullable<Template['layers']>[number];

/** Names of layers and cache directories: they become parts of file names. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Reads one layer: paths become absolute, absent values get their defaults. */
export async function readLayer(layer: Layer, at: Path, merged: MergedTemplate, reports: SpecReports): Promise<LayerSpec> {
  const { error, warning } = reports;
  checkName(layer.name, [...at, 'name'], 'a layer', error);
  const files = [];
  for (const [index, file] of (layer.files ?? []).entries())
    files.push(await readAdditionalFile(file, [...at, 'files', index], layer.run, merged, reports));
  const types = layer.types ?? { launch: true };
  const { launch = false, build = false, cache = false } = types;
  if (layer.validate !== undefined && !cache) {
    const hint = 'Set types.cache: true, or remove "validate".';
    warning('ICT_TEMPLATE_NO_EFFECT', [...at, 'validate'], `layer "${layer.name}" keeps nothing that "validate" could decide about`, hint);
  }
  if ((layer.run ?? []).length === 0 && (layer.files ?? []).length === 0) {
    warning('ICT_TEMPLATE_NO_EFFECT', at, `layer "${layer.name}" neither runs a command nor copies a file`);
  }
  const position = positionOf(merged, at);
  return {
    name: layer.name,
    run: (layer.run ?? []).map((command, index) => readCommand(command, [...at, 'run', index], error)),
    files,
    types: { launch, build, cache },
    env: readEnvironment(layer.env ?? {}, [...at, 'env'], error),
    inputs: await readInputs(layer.inputs ?? [], [...at, 'inputs'], merged, reports),
    cacheMounts: (layer.cacheMounts ?? []).map(({ id, target, sharing = 'shared' }, index) => {
      checkName(id, [...at, 'cacheMounts', index, 'id'], 'a cache directory', error);
      if (!/^\/[^/]/.test(target) || target.split('/').some((part) => part === '..' || part === '.')) {
        error(
          'ICT_TEMPLATE_NAME',
          [...at, 'cacheMounts', index, 'target'],
          `${JSON.stringify(target)} is not the absolute path of a directory`,
        );
      }
      return { id, target, sharing };
    }),
    network: layer.network ?? false,
    metadata: layer.metadata ?? {},
    invalidateOn: { packages: layer.invalidateOn?.packages ?? [], values: layer.invalidateOn?.values ?? {} },
    ...(layer.validate === undefined ? {} : { validate: readCommand(layer.validate, [...at, 'validate'], error) }),
    ...(position === undefined ? {} : { position }),
  };
}

function positionOf(merged: MergedTemplate, at: Path): SourcePosition | undefined {
  const origin = merged.originOf(at);
  return origin?.layer.positions?.positionOf(origin.path);
}

function checkName(name: string, at: Path, what: string, error: Report): void {
  if (NAME.test(name)) return;
  const hint = 'Letters, digits, ".", "_" and "-", at most 64, beginning with a letter or digit.';
  error('ICT_TEMPLATE_NAME', at, `${JSON.stringify(name)} cannot be the name of ${what}`, hint);
}

function readCommand(command: string | readonly string[], at: Path, error: Report): LayerCommand {
  if (command[0] === '') error('ICT_DOCUMENT_BAD_VALUE', at, 'the command names no program');
  return command;
}

function readEnvironment(env: Readonly<Record<string, string>>, at: Path, error: Report): Readonly<Record<string, string>> {
  for (const name of Object.keys(env)) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    error('ICT_TEMPLATE_NAME', [...at, name], `${JSON.stringify(name)} cannot be the name of a variable`, 'Letters, digits and "_".');
  }
  return env;
}

async function readInputs(inputs: readonly string[], at: Path, merged: MergedTemplate, reports: SpecReports): Promise<LayerInput[]> {
  const read: LayerInput[] = [];
  for (const [index, input] of inputs.entries()) {
    const source = await findLocal(input, [...at, index], merged, reports.refuse, 'any');
    const name = path.basename(source);
    if (read.some((one) => one.name === name)) {
      const hint = 'Commands see inputs by their last name: rename one, or name a directory that holds both.';
      reports.error('ICT_DOCUMENT_BAD_VALUE', [...at, index], `two inputs are called ${JSON.stringify(name)}`, hint);
    }
    read.push({ source, name });
  }
  return read;
}
