from tortoise import migrations
from tortoise.migrations import operations as ops
from core.enums import ActorKind
from core.ids import new_id
from plugins.points.models import RuleState
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('core', '0001_initial')]

    initial = True

    operations = [
        ops.CreateModel(
            name='Account',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('actor', fields.ForeignKeyField('core.Actor', source_field='actor_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'points_account', 'app': 'points', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Rule',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('event_type', fields.CharField(max_length=100)),
                ('actor_kind', fields.CharEnumField(null=True, description='ActorKind', enum_type=ActorKind, max_length=40)),
                ('points', fields.IntField()),
                ('state', fields.CharEnumField(description='RuleState', enum_type=RuleState, max_length=40)),
            ],
            options={'table': 'points_rule', 'app': 'points', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Entry',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('seq', fields.BigIntField()),
                ('amount', fields.BigIntField()),
                ('balance_after', fields.BigIntField()),
                ('reverses_id', fields.UUIDField(null=True)),
                ('occurred_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('recorded_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('account', fields.ForeignKeyField('points.Account', source_field='account_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('rule', fields.ForeignKeyField('points.Rule', source_field='rule_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('source_event_id', fields.UUIDField(null=True)),
            ],
            options={'table': 'points_entry', 'app': 'points', 'pk_attr': 'id'},
            bases=['LedgerEntry'],
        ),
    ]
