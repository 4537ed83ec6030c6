import { Type } from 'typebox';
import type { Catalog, Environment } from '../../catalog/catalog.ts';
import { environmentOfName } from '../../kernel/environment-names.ts';
import type { Access } from '../http/access.ts';
import type { HttpApp } from '../http/type-provider.ts';

export interface EnvironmentRoutesDeps {
  readonly access: Access;
  readonly catalog: Pick<Catalog, 'environments'>;
}

const Language = Type.Object({ name: Type.String(), display_name: Type.String(), configuration: Type.String() });
type Language = Type.Static<typeof Language>;

const EnvironmentObject = Type.Object({
  id: Type.String(),
  environment_specification_id: Type.String(),
  display_name: Type.String(),
  description: Type.String(),
  language: Language,
  machine_type: Type.String(),
});

/** The environment that bears a language's name speaks for it; the configuration is JSON as text, as the vendor has it. */
const languageOf = (environments: readonly Environment[], name: string): Language => {
  const first = environments.find(({ id }) => id === name) ?? environments.find(({ language }) => language === name);
  const configuration = first === undefined ? {} : { display_name: first.label, req_files: [first.dependencyFile] };
  return { name, display_name: first?.label ?? name, configuration: JSON.stringify(configuration) };
};

const toHttp = (environments: readonly Environment[], each: Environment) => ({
  id: each.uuid,
  environment_specification_id: each.uuid,
  display_name: each.label,
  description: each.id,
  language: languageOf(environments, each.language),
  machine_type: 'CPU',
});

/** `GET /v1/algorithm-environments/edge/languages` and the environments of one of them, for every account. */
export const environmentRoutes = (app: HttpApp, { access, catalog }: EnvironmentRoutesDeps): void => {
  const path = '/v1/algorithm-environments/edge/languages';
  app.get(path, { schema: { response: { 200: Type.Array(Language) } } }, async (request) => {
    await access.caller(request);
    const environments = catalog.environments();
    return [...new Set(environments.map(({ language }) => language))].map((name) => languageOf(environments, name));
  });

  const params = Type.Object({ language: Type.String() });
  const list = Type.Object({ environments: Type.Array(EnvironmentObject) });
  app.get(`${path}/:language/environments`, { schema: { params, response: { 200: list } } }, async (request) => {
    await access.caller(request);
    const environments = catalog.environments();
    const languages = environments.map(({ language }) => language);
    const wanted = environmentOfName(request.params.language, (name) => languages.includes(name));
    return {
      environments: environments
        .filter(({ language }) => language === wanted)
        .map((each) => toHttp(environments, each)),
    };
  });
};
