import type { FastifyInstance } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import {
  acknowledged,
  INCIDENT_STATUSES,
  type Incident,
  incidentJson,
  resolved,
  SEVERITIES,
} from "../incidents/incidents.ts";
import { NOTE_CHARS_MAX } from "../limits.ts";
import type { HealthService } from "../service.ts";
import { isId, jsonBody, now, pageOf, queryOf, refuseStrangers, textAt, wordAt } from "./request.ts";

/** Incidents: lists, one of them, and what a person does about it. Alerts that fire are listed beside them. */
export function addIncidentRoutes(app: FastifyInstance, service: HealthService): void {
  const { book, context } = service;
  app.get("/incidents", async (request) => {
    const query = queryOf(request);
    const { limit, offset } = pageOf(request);
    const before = textAt(query, "before");
    const beforeMs = before === undefined ? undefined : Date.parse(before);
    if (Number.isNaN(beforeMs)) throw new HttpError(400, "before must be a time in ISO 8601");
    const filter = {
      status: wordAt(query, "status", INCIDENT_STATUSES),
      severity: wordAt(query, "severity", SEVERITIES),
      provider: textAt(query, "provider"),
      model: textAt(query, "model"),
      beforeMs,
    };
    const nowMs = Date.now();
    const found = await service.stores().health.incidents(filter, limit, offset);
    return { incidents: found.map((incident) => incidentJson(incident, nowMs)), total: found.length, timestamp: now() };
  });
  app.get<{ Params: { id: string } }>("/incidents/:id", async (request) => {
    const { id } = request.params;
    const incident = isId(id) ? await service.stores().health.incident(id) : undefined;
    if (incident === undefined) throw new HttpError(404, "there is no such incident");
    return incidentJson(incident, Date.now());
  });
  const change = (work: (incident: Incident, by: string, notes: string | undefined) => Incident) => {
    return async (id: string, body: Readonly<Record<string, unknown>>): Promise<object> => {
      if (!isId(id)) throw new HttpError(404, "there is no such incident");
      const by = textAt(body, "by") ?? "admin";
      const notes = textAt(body, "notes", NOTE_CHARS_MAX) ?? textAt(body, "resolution_notes", NOTE_CHARS_MAX);
      const incident = await book.changeIncident(id, (open) => work(open, by, notes));
      if (incident !== undefined) return incidentJson(incident, Date.now());
      const known = await service.stores().health.incident(id);
      if (known === undefined) throw new HttpError(404, "there is no such incident");
      throw new HttpError(409, "the incident is resolved already");
    };
  };
  const acknowledge = change((incident, by, notes) => acknowledged(incident, by, notes, Date.now()));
  const resolve = change((incident, by, notes) => resolved(incident, notes ?? `resolved by ${by}`, by, Date.now()));
  const note = change((incident, _by, notes) => {
    if (notes === undefined) throw new HttpError(400, "notes are missing");
    return { ...incident, resolutionNotes: notes };
  });
  app.post<{ Params: { id: string } }>("/incidents/:id/acknowledge", async (request) => {
    refuseStrangers(request, context);
    return acknowledge(request.params.id, jsonBody(request));
  });
  app.post<{ Params: { id: string } }>("/incidents/:id/resolve", async (request) => {
    refuseStrangers(request, context);
    return resolve(request.params.id, jsonBody(request));
  });
  app.post<{ Params: { id: string } }>("/incidents/:id/notes", async (request) => {
    refuseStrangers(request, context);
    return note(request.params.id, jsonBody(request));
  });
  app.get("/alerts", async () => ({ alerts: await service.alerts.firing(), timestamp: now() }));
}
