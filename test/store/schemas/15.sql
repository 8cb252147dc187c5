BEGIN TRANSACTION;
CREATE TABLE actors (
  key INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  row_version INTEGER NOT NULL,
  machine_version INTEGER NOT NULL,
  state TEXT NOT NULL,
  completeness REAL NOT NULL,
  incomplete INTEGER NOT NULL,
  events INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  decision_type TEXT,
  standing TEXT,
  first_seen_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  snapshot TEXT NOT NULL
, due TEXT, heard BLOB NOT NULL DEFAULT x'') STRICT;
INSERT INTO actors VALUES(1,'order','revised',1,1,2,'payment_failed',60.0,1,5,2,'OrderRejected','{"decisionType":"OrderRejected","reason":"Payment failed"}',1795696382360,1795696382374,1249079456,'{"status":"active","value":"payment_failed","historyValue":{},"context":{"customer":{"eventId":"revised-created","timestamp":"2026-01-05T09:00:01.000Z","data":{"customerId":"c-1","totalAmount":20,"currency":"USD"}},"inventory":{"eventId":"revised-reserved-1","timestamp":"2026-01-05T09:00:02.000Z","data":{"reservedItems":{"a":1},"warehouseId":"w-1"}},"payment":{"eventId":"revised-paid-2","timestamp":"2026-01-05T09:00:04.000Z","data":{"amount":20,"status":"failed"}}},"children":{}}',NULL,X'5f0da28ac23e48710000000001af3bfcef6a6a8ac30000000002dc33e55d0fbd353a0000000003dc33e55d96b464800000000004dc33e55de1b354160000000005');
INSERT INTO actors VALUES(2,'order','whole',0,1,2,'confirmed',100.0,0,5,2,'OrderConfirmed','{"decisionType":"OrderConfirmed","warehouseId":"w-1","estimatedDays":3}',1795696382346,1795696382359,2744906262,'{"status":"active","value":"confirmed","historyValue":{},"context":{"customer":{"eventId":"whole-created","timestamp":"2026-01-05T09:00:01.000Z","data":{"customerId":"c-1","totalAmount":20,"currency":"USD"}},"payment":{"eventId":"whole-paid-1","timestamp":"2026-01-05T09:00:02.000Z","data":{"amount":20,"status":"successful"}},"inventory":{"eventId":"whole-reserved-1","timestamp":"2026-01-05T09:00:03.000Z","data":{"reservedItems":{"a":1},"warehouseId":"w-1"}},"shipping":{"eventId":"whole-shipping","timestamp":"2026-01-05T09:00:04.000Z","data":{"shippingCost":5,"estimatedDays":3}},"loyalty":{"eventId":"whole-loyalty","timestamp":"2026-01-05T09:00:05.000Z","data":{"pointsEarned":3,"totalPoints":40,"tierStatus":"gold"}}},"children":{}}',NULL,X'5f0da28ab58c7b020000000006dc33e55dbabed03b0000000007af3bfcefedd9eb2d0000000008333086d306affc7a0000000009fe7b9b267b76dd2c000000000a');
INSERT INTO actors VALUES(3,'order','waiting',0,1,2,'processing',20.0,1,1,0,NULL,NULL,1795696382378,1795696382378,1510866993,'{"status":"active","value":"processing","historyValue":{},"context":{"customer":{"eventId":"waiting-created","timestamp":"2026-01-05T09:00:01.000Z","data":{"customerId":"c-1","totalAmount":20,"currency":"USD"}}},"children":{}}',NULL,X'5f0da28a64e1bd61000000000b');
INSERT INTO actors VALUES(4,'order','early',0,1,2,'pending',20.0,1,1,0,NULL,NULL,1795696382380,1795696382380,3295361002,'{"status":"active","value":"pending","historyValue":{},"context":{"inventory":{"eventId":"early-reserved-1","timestamp":"2026-01-05T09:00:02.000Z","data":{"reservedItems":{"a":1},"warehouseId":"w-1"}}},"children":{}}',NULL,X'af3bfcef22760bf5000000000c');
CREATE TABLE decisions (
  actor_key INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  decision_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  traceparent TEXT,
  caused_ms INTEGER NOT NULL,
  published INTEGER,
  PRIMARY KEY (actor_key, revision)
) STRICT;
INSERT INTO decisions VALUES(1,1,'order','revised',1,'OrderConfirmed','{"decisionType":"OrderConfirmed","orderId":"revised","revision":1,"supersedes":null,"decidedAt":"2026-01-05T09:00:03.000Z","warehouseId":"w-1","estimatedDays":5,"dataCompleteness":60,"basedOn":["revised-paid-1","revised-reserved-1"],"causationId":"revised-paid-1","correlationId":null}',NULL,1795696382364,1);
INSERT INTO decisions VALUES(1,2,'order','revised',1,'OrderRejected','{"decisionType":"OrderRejected","orderId":"revised","revision":2,"supersedes":1,"decidedAt":"2026-01-05T09:00:04.000Z","reason":"Payment failed","dataCompleteness":60,"basedOn":["revised-paid-2","revised-reserved-1"],"causationId":"revised-paid-2","correlationId":null}',NULL,1795696382366,3);
INSERT INTO decisions VALUES(2,1,'order','whole',0,'OrderConfirmed','{"decisionType":"OrderConfirmed","orderId":"whole","revision":1,"supersedes":null,"decidedAt":"2026-01-05T09:00:03.000Z","warehouseId":"w-1","estimatedDays":5,"dataCompleteness":60,"basedOn":["whole-paid-1","whole-reserved-1"],"causationId":"whole-reserved-1","correlationId":null}',NULL,1795696382355,2);
INSERT INTO decisions VALUES(2,2,'order','whole',0,'OrderConfirmed','{"decisionType":"OrderConfirmed","orderId":"whole","revision":2,"supersedes":1,"decidedAt":"2026-01-05T09:00:04.000Z","warehouseId":"w-1","estimatedDays":3,"dataCompleteness":80,"basedOn":["whole-paid-1","whole-reserved-1","whole-shipping"],"causationId":"whole-shipping","correlationId":null}',NULL,1795696382357,4);
CREATE TABLE imported_decisions (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  payload TEXT NOT NULL, past_to INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (type, actor_id, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE streams (
  name TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  created TEXT NOT NULL,
  partitions INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO streams VALUES('ORDERS','order','2026-11-26T12:33:01.748927873Z',2);
CREATE TABLE checkpoints (
  stream TEXT NOT NULL,
  partition INTEGER NOT NULL,
  -- highest stream sequence whose effects are committed
  sequence INTEGER NOT NULL DEFAULT 0,
  -- nothing of this partition is unread up to here, though its last message may be older
  complete_to INTEGER NOT NULL DEFAULT 0,
  -- this partition's decisions and dead letters up to these outbox sequences are known here
  decisions_sequence INTEGER NOT NULL DEFAULT 0,
  dead_letters_sequence INTEGER NOT NULL DEFAULT 0, decided_by INTEGER NOT NULL DEFAULT 0, heard_ms INTEGER,
  PRIMARY KEY (stream, partition)
) STRICT, WITHOUT ROWID;
INSERT INTO checkpoints VALUES('ORDERS',0,14,15,4,2,2,1795696382380);
INSERT INTO checkpoints VALUES('ORDERS',1,15,15,3,1,2,1795696382374);
CREATE TABLE tallies (
  type TEXT NOT NULL,
  partition INTEGER NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (type, partition, name)
) STRICT, WITHOUT ROWID;
INSERT INTO tallies VALUES('order',0,'completeness:100',1);
INSERT INTO tallies VALUES('order',0,'completeness:20',2);
INSERT INTO tallies VALUES('order',0,'dead:malformed_json',1);
INSERT INTO tallies VALUES('order',0,'decisions:OrderConfirmed',2);
INSERT INTO tallies VALUES('order',0,'decisions:revised',1);
INSERT INTO tallies VALUES('order',0,'events:applied',7);
INSERT INTO tallies VALUES('order',0,'standing:OrderConfirmed',1);
INSERT INTO tallies VALUES('order',0,'state:confirmed',1);
INSERT INTO tallies VALUES('order',0,'state:pending',1);
INSERT INTO tallies VALUES('order',0,'state:processing',1);
INSERT INTO tallies VALUES('order',1,'completeness:60',1);
INSERT INTO tallies VALUES('order',1,'dead:unknown_event_type',1);
INSERT INTO tallies VALUES('order',1,'decisions:OrderConfirmed',1);
INSERT INTO tallies VALUES('order',1,'decisions:OrderRejected',1);
INSERT INTO tallies VALUES('order',1,'decisions:revised',1);
INSERT INTO tallies VALUES('order',1,'events:applied',4);
INSERT INTO tallies VALUES('order',1,'events:duplicate',1);
INSERT INTO tallies VALUES('order',1,'events:superseded',1);
INSERT INTO tallies VALUES('order',1,'standing:OrderRejected',1);
INSERT INTO tallies VALUES('order',1,'state:payment_failed',1);
CREATE TABLE quarantine (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  error TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (type, actor_id)
) STRICT, WITHOUT ROWID;
INSERT INTO quarantine VALUES('order','sick',1,'OrderCreated','it threw',1767603600000);
CREATE TABLE retired (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  partition INTEGER NOT NULL,
  -- every message about it up to here had been applied; 0: the stream is read again from its first message
  sequence INTEGER NOT NULL,
  events INTEGER NOT NULL,
  -- of the ids of these events
  digest TEXT NOT NULL,
  revision INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  retired_ms INTEGER NOT NULL,
  -- kept; wanted: late events are parked; lost: the streams no longer hold what would bring it back
  status TEXT NOT NULL,
  PRIMARY KEY (type, actor_id)
) STRICT, WITHOUT ROWID;
INSERT INTO retired VALUES('order','gone',0,5,3,'d',1,1767603600000,1767603700000,'kept');
CREATE TABLE parked (
  type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  subject TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (type, actor_id, sequence, stored_ms)
) STRICT;
INSERT INTO parked VALUES('order','sick',900,'orders.1.sick.OrderCreated',1767603600000,'[]',X'7b7d');
CREATE TABLE outbox_streams (
  name TEXT PRIMARY KEY,
  created TEXT NOT NULL,
  -- the last message this store has published there, and by what it is known again
  sequence INTEGER NOT NULL DEFAULT 0,
  mark TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO outbox_streams VALUES('DEAD_LETTERS','2026-11-26T12:33:01.74037993Z',2,'ORDERS:14');
INSERT INTO outbox_streams VALUES('DECISIONS','2026-11-26T12:33:01.722333451Z',4,'whole:2');
CREATE TABLE dead_letters (
  stream TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  former INTEGER NOT NULL DEFAULT 0,
  type TEXT NOT NULL,
  partition INTEGER NOT NULL,
  reason TEXT NOT NULL,
  error TEXT NOT NULL,
  subject TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  published INTEGER,
  body BLOB NOT NULL,
  PRIMARY KEY (stream, sequence, former)
) STRICT;
INSERT INTO dead_letters VALUES('ORDERS',15,0,'order',1,'unknown_event_type','eventType: "OrderPainted" is none of OrderCreated, PaymentProcessed, InventoryReserved, ShippingCalculated, LoyaltyPointsUpdated','orders.1.strange.OrderPainted',1795696382385,'[["Nats-Pin-Id","S4q6BPfi7UraDEXacKpYVm"]]',1,X'7b226f726465724964223a22737472616e6765222c226576656e7454797065223a224f726465725061696e746564222c2274696d657374616d70223a22323032362d30312d30355430393a30303a30312e3030305a222c226576656e744964223a22737472616e67652d31227d');
INSERT INTO dead_letters VALUES('ORDERS',14,0,'order',0,'malformed_json','body: Expected property name or ''}'' in JSON at position 1 (line 1 column 2)','orders.0.broken.OrderCreated',1795696382381,'[["Nats-Pin-Id","S4q6BPfi7UraDEXacKpYey"]]',2,X'7b');
CREATE TABLE anchors (
  actor_key INTEGER PRIMARY KEY,
  anchors TEXT NOT NULL
) STRICT;
CREATE TABLE due_versions (
  type TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
  place INTEGER PRIMARY KEY,
  actor_key INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  replayed INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  conflicts INTEGER NOT NULL DEFAULT 0,
  correlation_id TEXT,
  body TEXT NOT NULL
) STRICT;
INSERT INTO events VALUES(1,1,'revised-created','OrderCreated','2026-01-05T09:00:01.000Z',1795696382360,6,'applied',0,0,0,NULL,'{"customerId":"c-1","totalAmount":20,"currency":"USD"}');
INSERT INTO events VALUES(2,1,'revised-reserved-1','InventoryReserved','2026-01-05T09:00:02.000Z',1795696382361,7,'applied',0,0,0,NULL,'{"reservedItems":{"a":1},"warehouseId":"w-1"}');
INSERT INTO events VALUES(3,1,'revised-paid-1','PaymentProcessed','2026-01-05T09:00:03.000Z',1795696382364,8,'applied',0,0,0,NULL,'{"amount":20,"status":"successful"}');
INSERT INTO events VALUES(4,1,'revised-paid-2','PaymentProcessed','2026-01-05T09:00:04.000Z',1795696382366,9,'applied',0,1,0,NULL,'{"amount":20,"status":"failed"}');
INSERT INTO events VALUES(5,1,'revised-paid-3','PaymentProcessed','2026-01-05T09:00:02.000Z',1795696382374,11,'superseded',0,0,0,NULL,'{"amount":20,"status":"successful"}');
INSERT INTO events VALUES(6,2,'whole-created','OrderCreated','2026-01-05T09:00:01.000Z',1795696382346,1,'applied',0,0,0,NULL,'{"customerId":"c-1","totalAmount":20,"currency":"USD"}');
INSERT INTO events VALUES(7,2,'whole-paid-1','PaymentProcessed','2026-01-05T09:00:02.000Z',1795696382353,2,'applied',0,0,0,NULL,'{"amount":20,"status":"successful"}');
INSERT INTO events VALUES(8,2,'whole-reserved-1','InventoryReserved','2026-01-05T09:00:03.000Z',1795696382355,3,'applied',0,0,0,NULL,'{"reservedItems":{"a":1},"warehouseId":"w-1"}');
INSERT INTO events VALUES(9,2,'whole-shipping','ShippingCalculated','2026-01-05T09:00:04.000Z',1795696382357,4,'applied',0,0,0,NULL,'{"shippingCost":5,"estimatedDays":3}');
INSERT INTO events VALUES(10,2,'whole-loyalty','LoyaltyPointsUpdated','2026-01-05T09:00:05.000Z',1795696382359,5,'applied',0,0,0,NULL,'{"pointsEarned":3,"totalPoints":40,"tierStatus":"gold"}');
INSERT INTO events VALUES(11,3,'waiting-created','OrderCreated','2026-01-05T09:00:01.000Z',1795696382378,12,'applied',0,0,0,NULL,'{"customerId":"c-1","totalAmount":20,"currency":"USD"}');
INSERT INTO events VALUES(12,4,'early-reserved-1','InventoryReserved','2026-01-05T09:00:02.000Z',1795696382380,13,'applied',0,0,0,NULL,'{"reservedItems":{"a":1},"warehouseId":"w-1"}');
CREATE TABLE heard_earlier (
  actor_key INTEGER NOT NULL,
  type_hash INTEGER NOT NULL,
  id_hash INTEGER NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (actor_key, type_hash, id_hash, place)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX actors_by_id ON actors (type, id);
CREATE INDEX actors_by_age ON actors (type, first_seen_ms, id);
CREATE INDEX actors_by_state ON actors (type, state, first_seen_ms);
CREATE INDEX actors_by_decision ON actors (type, decision_type, first_seen_ms);
CREATE INDEX actors_incomplete ON actors (type, first_seen_ms) WHERE incomplete = 1;
CREATE INDEX decisions_pending ON decisions (type, partition, actor_key, revision) WHERE published IS NULL;
CREATE INDEX retired_wanted ON retired (type, actor_id) WHERE status = 'wanted';
CREATE INDEX dead_letters_by_sequence ON dead_letters (type, sequence, partition);
CREATE INDEX dead_letters_by_reason ON dead_letters (type, reason, sequence, partition);
CREATE INDEX dead_letters_pending ON dead_letters (type, partition, sequence) WHERE published IS NULL;
CREATE INDEX dead_letters_told ON dead_letters (type, published, sequence, former) WHERE published IS NOT NULL;
CREATE INDEX actors_due ON actors (type, partition, due, id) WHERE due IS NOT NULL;
CREATE INDEX parked_in_order ON parked (type, actor_id, stored_ms, sequence);
CREATE TABLE staged (
  first_key INTEGER PRIMARY KEY,
  last_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  partition INTEGER NOT NULL
) STRICT;
COMMIT;
PRAGMA user_version=15;
