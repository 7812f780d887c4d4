import type { ImageSpec, SourcePosition } from '@ict/plugin-api';
import type { InputDifference } from '@ict/integrity';
import { formatPath } from '@ict/template';

type Path = readonly (string | number)[];

/** What the inputs of steps call otherwise than the template does. The longest match counts; `index` stands for a number. */
const NAMES: readonly (readonly [inputs: readonly string[], template: readonly string[]])[] = [
  [['template', 'system'], ['systemConfig']],
  [['template'], []],
  [['sections'], ['plugins']],
  [['configuration'], ['systemConfig']],
  [
    ['configuration', 'modules'],
    ['systemConfig', 'kernel', 'enableExtraModules'],
  ],
  [
    ['configuration', 'files'],
    ['systemConfig', 'additionalFiles'],
  ],
  [
    ['configuration', 'commands'],
    ['systemConfig', 'configurations'],
  ],
  [
    ['template', 'system', 'files'],
    ['systemConfig', 'additionalFiles'],
  ],
  [['template', 'system', 'fileChoice'], ['systemConfig']],
  [['foreignArchitectures'], ['target', 'foreignArchitectures']],
  [['fileChoice'], ['systemConfig']],
  [
    ['template', 'system', 'secureBoot'],
    ['systemConfig', 'immutability', 'secureBootDBCrt'],
  ],
  [
    ['boot', 'signed'],
    ['systemConfig', 'immutability', 'secureBootDBCrt'],
  ],
  [
    ['boot', 'unified'],
    ['systemConfig', 'kernel', 'uki'],
  ],
  [
    ['boot', 'bios'],
    ['systemConfig', 'bootloader', 'bootType'],
  ],
  [['table'], ['disk', 'partitionTableType']],
  [['prepare'], []],
  [
    ['prepare', 'boot', 'kernel'],
    ['systemConfig', 'kernel', 'cmdline'],
  ],
  [
    ['prepare', 'boot', 'bootloader'],
    ['systemConfig', 'bootloader'],
  ],
  [
    ['prepare', 'growth'],
    ['disk', 'extendLastPartitionToFillDisk'],
  ],
  [
    ['prepare', 'table'],
    ['disk', 'partitionTableType'],
  ],
  [
    ['prepare', 'immutable'],
    ['systemConfig', 'immutability'],
  ],
  [
    ['prepare', 'partitions'],
    ['disk', 'partitions'],
  ],
  [['partitions'], ['disk', 'partitions']],
];

const LAYER = 'ict.layer.';

/**
 * The line of a template that an input of a step comes from: the place of the value, else of the nearest that holds it.
 *
 * @param packagePosition the line that brings a package, by its id.
 * @returns undefined for what no line says: versions of code, the lock, layers below.
 */
export function inputOrigin(
  step: string,
  { path, before, after }: InputDifference,
  spec: Pick<ImageSpec, 'layers' | 'positions'>,
  packagePosition: (id: string) => SourcePosition | undefined,
): SourcePosition | undefined {
  const parts = parsePath(path);
  const [first, ...rest] = parts;
  const inputs = first === 'input' ? rest : parts;
  const [kind, id] = inputs;
  if (kind === 'packages' && typeof id === 'string') return packagePosition(id);
  const written = step.startsWith(LAYER) ? ofLayer(step.slice(LAYER.length), inputs, spec) : ofTemplate(inputs);
  // What is gone has no line; the list that it was in has.
  const gone = after === undefined && before !== undefined && typeof written?.at(-1) === 'number';
  return written === undefined ? undefined : nearestPosition(gone ? written.slice(0, -1) : written, spec);
}

function ofTemplate(inputs: Path): Path {
  const matching = NAMES.filter(([names]) => names.every((name, index) => inputs[index] === name));
  const [names, template] = matching.reduce((best, one) => (one[0].length > best[0].length ? one : best), [
    [],
    [],
  ] as (typeof NAMES)[number]);
  return [...template, ...inputs.slice(names.length)];
}

/** Values that a layer gets from elsewhere than its own lines. */
const ELSEWHERE: ReadonlySet<string | number> = new Set(['below', 'kept', 'installer', 'provider', 'layerApi']);

function ofLayer(name: string, [kind, ...rest]: Path, { layers }: Pick<ImageSpec, 'layers'>): Path | undefined {
  const index = layers.findIndex((layer) => layer.name === name);
  if (index === -1 || kind === undefined || ELSEWHERE.has(kind)) return undefined;
  if (kind !== 'inputs') return ['layers', index, kind, ...rest];
  // A path below the directory where commands see inputs begins with the name of one of them.
  const [file] = String(rest[0]).split('/');
  const input = layers[index]?.inputs.findIndex((one) => one.name === file) ?? -1;
  return ['layers', index, 'inputs', ...(input === -1 ? [] : [input])];
}

function nearestPosition(path: Path, { positions }: Pick<ImageSpec, 'positions'>): SourcePosition | undefined {
  for (let length = path.length; length > 0; length--) {
    const position = positions.get(formatPath(path.slice(0, length)));
    if (position !== undefined) return position;
  }
  return undefined;
}

/** Reads `packages["jq:amd64"][3].name`. */
function parsePath(text: string): Path {
  const parts = text.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g);
  return [...parts].map(([, index, quoted, name]) =>
    index !== undefined ? Number(index) : quoted !== undefined ? (JSON.parse(quoted) as string) : (name as string),
  );
}
