"use client";

import { useState } from "react";
import { Button } from "../button";
import { type Customer, isLive } from "../customer/data";
import { Cancel } from "./cancel";
import { ChangePlan } from "./change-plan";
import { GrantCredits } from "./grant-credits";
import { Reactivate } from "./reactivate";

type Action = "change" | "cancel" | "reactivate" | "grant";

export function CustomerActions({ customer }: { customer: Customer }) {
  const [action, setAction] = useState<Action | null>(null);
  const { subscription } = customer;
  const close = () => setAction(null);
  return (
    <>
      <Button needs="grantCredits" onClick={() => setAction("grant")}>
        Grant credits
      </Button>
      {isLive(subscription) ? (
        <>
          {subscription.cancelAtPeriodEnd ? null : (
            <Button needs="cancel" onClick={() => setAction("cancel")}>
              Cancel…
            </Button>
          )}
          <Button
            look="primary"
            needs="changeTier"
            disabled={subscription.status === "PENDING"}
            onClick={() => setAction("change")}
          >
            Change plan
          </Button>
        </>
      ) : (
        <Button look="primary" needs="reactivate" onClick={() => setAction("reactivate")}>
          Reactivate
        </Button>
      )}
      {action === "change" ? <ChangePlan customer={customer} onClose={close} /> : null}
      {action === "cancel" ? <Cancel customer={customer} onClose={close} /> : null}
      {action === "reactivate" ? <Reactivate customer={customer} onClose={close} /> : null}
      {action === "grant" ? <GrantCredits customer={customer} onClose={close} /> : null}
    </>
  );
}
