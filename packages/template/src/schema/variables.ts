import { flag, text, withDefault } from './keyword.js';

/** Schema of `variables`. */
export const variablesSchema = {
  type: 'object',
  description:
    'Variables of this template: letters, digits and `_`. `${NAME}` in any text below stands for the value, but for commands and password hashes; `$${NAME}` stands for `${NAME}` itself. Values come from `--var NAME=VALUE`, else from `ICT_VAR_NAME` of the environment, else from `default`. Inherited.',
  examples: [{ SITE: { description: 'Where the machine stands', default: 'lab' }, ADMIN_PASSWORD: { secret: true } }],
  additionalProperties: {
    type: 'object',
    description: 'One variable.',
    examples: [{ description: 'Where the machine stands', default: 'lab' }],
    properties: {
      description: text('What it is for.', 'Where the machine stands'),
      default: text('Value when none is given. Absent: one must be given.', 'lab'),
      secret: withDefault(
        false,
        flag(
          'Never shown; in cache keys only a salted digest stands for it. A value has 4 characters at least, or none: a shorter one could not be told from other text.',
          true,
        ),
      ),
    },
    additionalProperties: false,
  },
} as const;
