// Questions and orders to the service.

import { has, say } from "./texts.js";

const csrf = document.querySelector("meta[name=csrf]").content;
const WAIT_MS = 10000;

/** It was not done. status 0: no answer came. */
export class Refusal extends Error {
  constructor(status, cause = "") {
    super(words(status, cause));
    this.status = status;
    this.cause = cause;
  }
}

function words(status, cause) {
  if (status === 0) return say("offline");
  for (const key of [`cause-${cause}`, `status-${status}`])
    if (has(key)) return say("refused", { words: say(key) });
  return say("refused", { words: say("status-other") });
}

async function reach(path, options) {
  try {
    return await fetch(path, { ...options, signal: AbortSignal.timeout(WAIT_MS) });
  } catch {
    throw new Refusal(0);
  }
}

/** Someone's session is over: every page listens for it. */
export const session = new EventTarget();

async function checked(answer) {
  if (answer.status === 401 || answer.type === "opaqueredirect") {
    session.dispatchEvent(new Event("over"));
    throw new Refusal(401);
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  const cause = answer.status === 410 && !said.cause ? "gone" : said.cause;
  throw new Refusal(answer.status, cause);
}

/** Have something done. Resolves with what the service answers, null for nothing. */
export async function order(path, body) {
  const headers = { "x-csrf-token": csrf };
  if (body !== undefined) headers["content-type"] = "application/json";
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await checked(await reach(path, { method: "POST", headers, body: sent }));
  return answer.status === 204 ? null : answer.json();
}

/** Data that the page asks for by itself. */
export async function data(path) {
  return (await checked(await reach(path, { redirect: "manual" }))).json();
}

/** A piece of a page, as text. */
export async function piece(path) {
  return (await checked(await reach(path, { redirect: "manual" }))).text();
}

/** A picture and when it was taken; null: there are no more. */
export async function picture(path) {
  const answer = await checked(await reach(path, { redirect: "manual" }));
  if (answer.status === 204) return null;
  const taken = answer.headers.get("x-taken-at");
  return { blob: await answer.blob(), taken: taken ? new Date(taken) : new Date() };
}
