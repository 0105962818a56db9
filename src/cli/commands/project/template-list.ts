/** `conductor new --list`: all templates with their languages, variables and examples. */

import { mapBounded } from '../../../base/bounded.js';
import { shellWord } from '../../../base/shell-word.js';
import { byLanguage, projectLanguages } from '../../../commands/init/project-languages.js';
import { exitCodeOf } from '../../../model/failure.js';
import { failureAnswer } from '../../../report/failures/failure-answer.js';
import { type DescribedTemplate, templateList } from '../../../report/new-feature.js';
import type { TemplateDefinition } from '../../../templates/definition.js';
import { readDefinition, type TemplatePlace } from '../../../templates/folder.js';
import { listTemplates, projectPackages, type TemplateRoots } from '../../../templates/places.js';
import { textOfValue } from '../../../templates/value-text.js';
import { CALL, print, printFailure, printJson, styleFor } from '../../output.js';

/** Templates of the project's languages come first. Templates that are not valid are reported after the others. */
export async function runTemplateList(roots: TemplateRoots, json: boolean): Promise<number> {
  const places = await listTemplates(roots);
  const packages = await projectPackages(roots);
  const languages = await projectLanguages(roots.project);
  const read = await mapBounded(places, (place) => readDefinition(place, packages));
  const valid = places.flatMap((place, index) => {
    const one = read[index];
    return one?.ok ? [{ place, definition: one.value }] : [];
  });
  const good = byLanguage(valid, languages, ({ definition }) => definition.language);
  const problems = read.flatMap((one) => (one.ok ? [] : [failureAnswer(one.error, CALL)]));
  if (json) printJson({ schema: 1, languages: [...languages], templates: good.map(forMachines), problems });
  else print(templateList(good.map(forPeople), styleFor(process.stdout)));
  let code = 0;
  for (const one of read) {
    if (one.ok) continue;
    printFailure(one.error);
    code = exitCodeOf(one.error);
  }
  return code;
}

interface Listed {
  readonly place: TemplatePlace;
  readonly definition: TemplateDefinition;
}

function forPeople({ place, definition }: Listed): DescribedTemplate {
  return {
    name: place.name,
    origin: place.origin,
    description: definition.description,
    ...(definition.language === undefined ? {} : { language: definition.language }),
    variables: definition.variables.map(({ name, description, default: fallback, example }) => ({
      name,
      description,
      ...(fallback === undefined ? {} : { default: textOfValue(fallback) }),
      ...(example === undefined ? {} : { example: textOfValue(example) }),
    })),
    examples: definition.examples.map(({ title, set }) => ({
      title,
      command: [
        `${CALL} new`,
        `--template ${place.name}`,
        '--name my-feature',
        ...Object.entries(set).map(setText),
      ].join(' '),
    })),
  };
}

function setText([name, value]: [string, DescribedValue]): string {
  return `--set ${name}=${shellWord(textOfValue(value))}`;
}

type DescribedValue = Parameters<typeof textOfValue>[0];

function forMachines({ place, definition }: Listed) {
  return {
    name: place.name,
    origin: place.origin,
    description: definition.description,
    ...(definition.language === undefined ? {} : { language: definition.language }),
    variables: definition.variables.map(({ name, description, schema, default: fallback, example }) => ({
      name,
      description,
      required: fallback === undefined,
      ...(fallback === undefined ? {} : { default: fallback }),
      ...(example === undefined ? {} : { example }),
      schema,
    })),
    examples: definition.examples,
  };
}
