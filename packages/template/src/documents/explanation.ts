import type { SourcePosition } from '@ict/plugin-api';
import type { LoadedTemplate } from './load.js';
import { secretsOf } from './load.js';
import type { MergeRule, MergedTemplate } from './merge.js';
import { formatPath, type Path } from './path.js';
import { REDACTED, redactText, tellingSecrets } from '../sections/secret-text.js';
import { redactTemplate, type TemplateSecrets } from './template-text.js';

/** One value of a merged template, and where it came from. */
export interface ExplainedValue {
  /** `systemConfig.packages[3]`. */
  readonly path: string;
  readonly value: string | number | boolean;
  /** The file, or `defaults of debian13`. */
  readonly from: string;
  readonly position?: SourcePosition;
  readonly rule: MergeRule;
}

/** A declared variable; the value of a secret one is not shown. */
export interface ExplainedVariable {
  readonly name: string;
  readonly description?: string;
  readonly secret: boolean;
  readonly value: string;
  readonly source: string;
}

/** One difference between the defaults and a template. */
export interface Difference {
  readonly path: string;
  /** Undefined for what the defaults do not have. */
  readonly default?: string;
  /** Undefined for what the template takes away. */
  readonly value?: string;
}

type Leaf = string | number | boolean;

/** What may not be shown of a template as it was merged, wholly or in part. */
export function hiddenIn({ variables, merged: whole }: LoadedTemplate, { holdsSecret }: MergedTemplate): TemplateSecrets {
  return { secrets: secretsOf(variables, whole), holdsSecret };
}

/** Every value of a merged template with its origin, in the order in which the template is written. Secrets are covered. */
export function explainTemplate(loaded: LoadedTemplate): ExplainedValue[] {
  const { merged } = loaded;
  if (merged === undefined) return [];
  return leaves(redactTemplate(merged.template, hiddenIn(loaded, merged))).flatMap(({ path, value }) => {
    const origin = merged.originOf(path);
    if (origin === undefined) return [];
    const position = origin.layer.positions?.positionOf(origin.path);
    return [
      { path: formatPath(path), value, from: origin.layer.title, ...(position === undefined ? {} : { position }), rule: origin.rule },
    ];
  });
}

/** The variables that a template and its ancestors declare. */
export function explainVariables(loaded: LoadedTemplate): ExplainedVariable[] {
  const telling = tellingSecrets(secretsOf(loaded.variables, loaded.merged));
  return [...loaded.variables.values()].map(({ value = '', ...rest }) => ({
    ...rest,
    value: rest.secret && value !== '' ? REDACTED : redactText(value, telling),
  }));
}

/** What a template changes in the defaults of its distribution. Items of lists of texts are compared without regard to their place. */
export function diffTemplate(loaded: LoadedTemplate): Difference[] {
  const flat = (merged: MergedTemplate | undefined): Map<string, string> =>
    new Map(
      (merged === undefined ? [] : leaves(redactTemplate(merged.template, hiddenIn(loaded, merged)))).map(({ path, value }) => {
        const item = typeof path.at(-1) === 'number';
        return item ? [`${formatPath(path.slice(0, -1))}[] ${value}`, String(value)] : [formatPath(path), String(value)];
      }),
    );
  const [below, above] = [flat(loaded.defaults), flat(loaded.merged)];
  const name = (path: string): string => path.replace(/\[\] .*$/s, '[]');
  const gone = [...below].flatMap(([path, value]) => (above.has(path) ? [] : [{ path: name(path), default: value }]));
  const changed = [...above].flatMap(([path, value]) => {
    const before = below.get(path);
    if (before === value) return [];
    return [{ path: name(path), ...(before === undefined ? {} : { default: before }), value }];
  });
  return [...gone, ...changed];
}

function leaves(value: unknown, path: Path = []): { readonly path: Path; readonly value: Leaf }[] {
  if (typeof value !== 'object' || value === null) return value === undefined || value === null ? [] : [{ path, value: value as Leaf }];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, Array.isArray(value) ? Number(key) : key]));
}
